#include "engine/optim/adam.h"

#include <cstddef>
#include <utility>

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
// is two launches whose arguments are the same each time; what has changed is uploaded before.
class Adam::OnCuda {
 public:
  void set_steps(std::int64_t steps) {
    upload(bytes() + offsetof(kernels::AdamProgress, step), &steps, sizeof steps);
    const std::int32_t stopped = 0;
    upload(bytes() + offsetof(kernels::AdamProgress, stopped), &stopped, sizeof stopped);
  }

  void step(const Adam& adam, double learning_rate, const Tensor& loss) {
    if (learning_rate != learning_rate_) {
      upload(bytes() + offsetof(kernels::AdamProgress, lr), &learning_rate, sizeof learning_rate);
      learning_rate_ = learning_rate;
    }
    collect(adam);
    if constexpr (kernels::kHasDeviceCode) {
      kernels::adam_begin_step_cuda(shape_of(adam.options_), loss.defined() ? loss.address() : nullptr, progress(),
                                    cuda::stream());
      kernels::adam_step_cuda(static_cast<std::int64_t>(slices_.size()), blocks_,
                              reinterpret_cast<const kernels::AdamSlice*>(table_.address<std::uint8_t>()), progress(),
                              cuda::stream());
    }
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
    const auto size = static_cast<std::int64_t>(slices_.size() * sizeof(kernels::AdamSlice));
    if (!table_.defined() || table_.count() < size) table_ = Tensor::empty({size}, DType::kUint8, Device::kCuda);
    upload(reinterpret_cast<std::byte*>(table_.address<std::uint8_t>()), slices_.data(),
           static_cast<std::size_t>(size));
  }

  Tensor progress_ = Tensor::zeros({sizeof(kernels::AdamProgress)}, DType::kUint8, Device::kCuda);
  Tensor table_;
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
    on_cuda_ = std::make_unique<OnCuda>();
}

Adam::~Adam() = default;

void Adam::set_steps(std::int64_t steps) {
  steps_ = steps;
  stopped_ = false;
  if (on_cuda_ != nullptr) on_cuda_->set_steps(steps);
}

void Adam::step(double learning_rate, const Tensor& loss) {
  const LayerScope layer("adam");
  kernels::AdamShape shape = shape_of(options_);
  shape.lr = learning_rate;
  shape.step = ++steps_;
  shape.count = 0;
  for (const nn::NamedTensor& parameter : parameters_)
    if (parameter.tensor->grad().defined()) shape.count += parameter.tensor->count();
  if (!observe("adam_forward", shape, on_cuda_ != nullptr ? Device::kCuda : Device::kCpu)) return;
  if (on_cuda_ != nullptr)
    on_cuda_->step(*this, learning_rate, loss);
  else if (!(stopped_ = stopped_ || (loss.defined() && !all_finite(loss))))
    step_on_cpu(shape);
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
