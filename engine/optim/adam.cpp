#include "engine/optim/adam.h"

#include <cstddef>
#include <utility>

#include "engine/device_check.h"
#include "engine/dispatch.h"
#include "engine/gradient_slab.h"
#include "engine/observer.h"
#include "engine/transfer.h"
#include "kernels/adam/adam.h"

namespace cardiograd::optim {
namespace {

kernels::AdamShape shape_of(const AdamOptions& options) {
  return {.beta1 = options.beta1,
          .beta2 = options.beta2,
          .epsilon = options.epsilon,
          .weight_decay = options.weight_decay,
          .decoupled = options.decoupled};
}

}  // namespace

// What the GPU needs for a step, in its memory: where everything lies, the learning rate, the count of steps. A step
// is one launch whose arguments are the same each time; what has changed is uploaded before.
class Adam::OnCuda {
 public:
  OnCuda(std::size_t parameters, const AdamOptions& options)
      : shape_(shape_of(options)),
        table_(Tensor::empty({static_cast<std::int64_t>(parameters * sizeof(kernels::AdamSlice))}, DType::kUint8,
                             Device::kCuda)) {
    set_steps(0);
  }

  void set_steps(std::int64_t steps) {
    if (dry_run()) return;
    if constexpr (kernels::kHasDeviceCode) {
      kernels::AdamProgress now = kernels::adam_progress(shape_, steps);
      now.lr = learning_rate_;
      upload(bytes(), &now, sizeof now);
    }
  }

  // With the learning rate that set_learning_rate() has sent, unless `step` has another.
  void step(const Adam& adam, kernels::AdamStep step, const Tensor& loss) {
    collect(adam);
    step.loss = loss.defined() ? loss.address() : nullptr;
    if constexpr (kernels::kHasDeviceCode)
      kernels::adam_step_cuda(shape_, static_cast<std::int64_t>(slices_.size()), blocks_,
                              reinterpret_cast<const kernels::AdamSlice*>(table_.address<std::uint8_t>()), step,
                              progress(), cuda::stream());
  }

  // Of the next step on, which comes after `steps`.
  void set_beta1(double beta1, std::int64_t steps) {
    if (beta1 == shape_.beta1) return;
    shape_.beta1 = beta1;
    prepare(beta1, steps);
  }

  // The next step has this beta1.
  void prepare(double beta1, std::int64_t steps) {
    if constexpr (kernels::kHasDeviceCode) {
      kernels::AdamShape shape = shape_;
      shape.beta1 = beta1;
      const double correction = kernels::adam_progress(shape, steps).correction;
      upload(bytes() + offsetof(kernels::AdamProgress, correction), &correction, sizeof correction);
    }
  }

  void set_learning_rate(double learning_rate) {
    if (learning_rate == learning_rate_) return;
    upload(bytes() + offsetof(kernels::AdamProgress, lr), &learning_rate, sizeof learning_rate);
    learning_rate_ = learning_rate;
  }

 private:
  std::byte* bytes() { return reinterpret_cast<std::byte*>(progress_.address<std::uint8_t>()); }
  kernels::AdamProgress* progress() { return reinterpret_cast<kernels::AdamProgress*>(bytes()); }

  // The table of parameters that have a gradient; the same as in the last step unless memory was handed out otherwise.
  void collect(const Adam& adam) {
    next_.clear();
    blocks_ = 0;
    for (std::size_t i = 0; i < adam.parameters_.size(); ++i) {
      Tensor parameter = *adam.parameters_[i].tensor;
      const Tensor gradient = parameter.grad();
      if (!gradient.defined()) continue;
      Moments moments = adam.moments_[i];
      ops::common_device("adam", {&parameter, &gradient, &moments.m, &moments.v});
      next_.push_back({gradient.address(), parameter.address(), moments.m.address(), moments.v.address(),
                       parameter.count(), blocks_});
      blocks_ += kernels::adam_blocks(parameter.count());
    }
    if (next_ == slices_) return;
    slices_ = next_;
    upload(reinterpret_cast<std::byte*>(table_.address<std::uint8_t>()), slices_.data(),
           slices_.size() * sizeof(kernels::AdamSlice));
  }

  kernels::AdamShape shape_;  // the settings
  Tensor progress_ = Tensor::zeros({sizeof(kernels::AdamProgress)}, DType::kUint8, Device::kCuda);
  Tensor table_;                            // with room for all parameters
  std::vector<kernels::AdamSlice> slices_;  // what table_ holds
  std::vector<kernels::AdamSlice> next_;
  std::int64_t blocks_ = 0;
  double learning_rate_ = 0;  // what progress_ holds
};

Adam::Adam(std::vector<nn::NamedTensor> parameters, const AdamOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const nn::NamedTensor& parameter : parameters_) {
    const Tensor& tensor = *parameter.tensor;
    moments_.push_back({Tensor::zeros(tensor.shape(), DType::kFloat32, tensor.device()),
                        Tensor::zeros(tensor.shape(), DType::kFloat32, tensor.device())});
  }
  keep_gradients_together(nn::tensors_of(parameters_));
  if (!parameters_.empty() && parameters_.front().tensor->device() == Device::kCuda)
    on_cuda_ = std::make_unique<OnCuda>(parameters_.size(), options_);
}

Adam::~Adam() = default;

void Adam::set_steps(std::int64_t steps) {
  steps_ = steps;
  stopped_ = false;
  if (on_cuda_ != nullptr) on_cuda_->set_steps(steps);
}

void Adam::set_beta1(double beta1) {
  options_.beta1 = beta1;
  if (on_cuda_ != nullptr) on_cuda_->set_beta1(beta1, steps_);
}

kernels::AdamShape Adam::begin_step(double learning_rate) {
  kernels::AdamShape shape = shape_of(options_);
  shape.lr = learning_rate;
  shape.step = ++steps_;
  shape.count = 0;
  for (const nn::NamedTensor& parameter : parameters_)
    if (parameter.tensor->grad().defined()) shape.count += parameter.tensor->count();
  return shape;
}

void Adam::step(double learning_rate, const Tensor& loss) {
  const LayerScope layer("adam");
  const kernels::AdamShape shape = begin_step(learning_rate);
  if (!observe("adam_forward", shape, on_cuda_ != nullptr ? Device::kCuda : Device::kCpu)) return;
  if (on_cuda_ != nullptr) {
    on_cuda_->set_learning_rate(learning_rate);
    if (current_check != nullptr)
      step_checked(shape, loss);
    else
      on_cuda_->step(*this, {}, loss);
  } else if (!(stopped_ = stopped_ || (loss.defined() && !all_finite(loss)))) {
    step_on_cpu(shape);
  }
  observed();
}

void Adam::prepare_at(double beta1) {
  if (on_cuda_ != nullptr) on_cuda_->prepare(beta1, steps_);
}

void Adam::step_at(const kernels::StepRates* rates, const Tensor& loss, const kernels::BatchEnd& end) {
  const LayerScope layer("adam");
  const kernels::AdamShape shape = begin_step(0);
  if (!observe("adam_forward", shape, Device::kCuda)) return;
  on_cuda_->step(*this, {.rates = rates, .end = end}, loss);
  observed();
}

void Adam::step_checked(const kernels::AdamShape& all, const Tensor& loss) {
  struct Copy {
    Tensor gradient, parameter, m, v;
  };
  std::vector<Copy> copies;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor gradient = parameters_[i].tensor->grad();
    copies.push_back({gradient.defined() ? gradient.to(Device::kCpu) : Tensor(),
                      parameters_[i].tensor->to(Device::kCpu), moments_[i].m.to(Device::kCpu),
                      moments_[i].v.to(Device::kCpu)});
  }
  on_cuda_->step(*this, {}, loss);
  if (loss.defined() && !all_finite(loss)) return;
  current_check->count_call("adam_forward");
  kernels::AdamShape shape = all;
  for (std::size_t i = 0; i < copies.size(); ++i) {
    Copy& copy = copies[i];
    if (!copy.gradient.defined()) continue;
    shape.count = copy.parameter.count();
    kernels::adam_forward_cpu(shape, copy.gradient.data(), copy.parameter.data(), copy.m.data(), copy.v.data());
    const LayerScope layer(parameters_[i].name);
    current_check->compare("adam_forward", 1, *parameters_[i].tensor, copy.parameter);
    current_check->compare("adam_forward", 2, moments_[i].m, copy.m);
    current_check->compare("adam_forward", 3, moments_[i].v, copy.v);
  }
}

void Adam::step_on_cpu(const kernels::AdamShape& all) {
  kernels::AdamShape shape = all;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& parameter = *parameters_[i].tensor;
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    ops::common_device("adam", {&parameter, &gradient, &moments_[i].m, &moments_[i].v});
    shape.count = parameter.count();
    kernels::adam_forward_cpu(shape, gradient.data(), parameter.data(), moments_[i].m.data(), moments_[i].v.data());
  }
}

std::vector<nn::NamedTensor> Adam::state() {
  std::vector<nn::NamedTensor> state;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    state.push_back({parameters_[i].name + ".m", &moments_[i].m, parameters_[i].layout, false});
    state.push_back({parameters_[i].name + ".v", &moments_[i].v, parameters_[i].layout, false});
  }
  return state;
}

}  // namespace cardiograd::optim
