#include "engine/optim/adam.h"

#include <cmath>
#include <utility>

#include "kernels/adam/adam_op.h"
#include "kernels/reduce/reduce_op.h"

namespace cardiograd::optim {

Adam::Adam(std::vector<nn::NamedTensor> parameters, const AdamOptions& options)
    : parameters_(std::move(parameters)), options_(options) {
  for (const nn::NamedTensor& parameter : parameters_)
    moments_.push_back({Tensor::zeros(parameter.tensor->shape()), Tensor::zeros(parameter.tensor->shape())});
}

void Adam::step(double learning_rate) {
  ++steps_;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    Tensor& parameter = *parameters_[i].tensor;
    const Tensor gradient = parameter.grad();
    if (!gradient.defined()) continue;
    kernels::adam_forward_cpu({.count = parameter.count(),
                               .lr = learning_rate,
                               .beta1 = options_.beta1,
                               .beta2 = options_.beta2,
                               .epsilon = options_.epsilon,
                               .weight_decay = options_.weight_decay,
                               .decoupled = options_.decoupled,
                               .step = steps_},
                              gradient.data(), parameter.data(), moments_[i].m.data(), moments_[i].v.data());
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

double clip_gradients(const std::vector<nn::NamedTensor>& parameters, double largest) {
  double squares = 0;
  for (const nn::NamedTensor& parameter : parameters) {
    const Tensor gradient = parameter.tensor->grad();
    if (!gradient.defined()) continue;
    float square = 0;
    kernels::squared_norm_forward_cpu({gradient.count()}, gradient.data(), &square);
    squares += square;
  }
  const double norm = std::sqrt(squares);
  const double factor = largest / (norm + 1e-6);  // PyTorch's guard against a norm of zero.
  if (factor < 1) {
    for (const nn::NamedTensor& parameter : parameters) {
      Tensor gradient = parameter.tensor->grad();
      if (gradient.defined())
        kernels::scale_forward_cpu({gradient.count(), static_cast<float>(factor)}, gradient.data());
    }
  }
  return norm;
}

}  // namespace cardiograd::optim
