#include "engine/optim/clip.h"

#include <cmath>
#include <vector>

#include "engine/cuda.h"
#include "engine/device_check.h"
#include "engine/dispatch.h"
#include "engine/gradient_slab.h"
#include "engine/observer.h"
#include "kernels/common/device_code.h"
#include "kernels/common/device_values_cuda.h"
#include "kernels/reduce/reduce.h"

namespace cardiograd::optim {
namespace {

std::vector<Tensor> gradients_of(const std::vector<nn::NamedTensor>& parameters) {
  std::vector<Tensor> gradients;
  for (const nn::NamedTensor& parameter : parameters)
    if (const Tensor gradient = parameter.tensor->grad(); gradient.defined()) gradients.push_back(gradient);
  return gradients;
}

Tensor clip_on_cpu(std::vector<Tensor>& gradients, double max_norm) {
  double squares = 0;
  for (const Tensor& gradient : gradients) {
    Tensor square = Tensor::zeros({1});
    CARDIOGRAD_RUN(squared_norm_forward, kernels::SquaredNormShape{gradient.count()}, gradient, square);
    squares += square.data()[0];
  }
  const double norm = std::sqrt(squares);
  const double factor = max_norm / (norm + 1e-6);  // PyTorch's guard against a norm of zero.
  if (factor < 1 || dry_run()) {                   // A dry run has no values: it reports the step that costs most.
    const auto narrow = static_cast<float>(factor);
    for (Tensor& gradient : gradients)
      CARDIOGRAD_RUN(scale_forward, (kernels::ScaleShape{gradient.count(), narrow}), gradient);
  }
  return Tensor::full({1}, static_cast<float>(norm));
}

// Norm and factor never leave the GPU. Two launches for gradients that lie in one slab.
Tensor clip_on_cuda(const std::vector<nn::NamedTensor>& parameters, std::vector<Tensor>& gradients, double max_norm) {
  Tensor norm = gradients.front().new_empty({1});
  Tensor factor = norm.new_empty({1});
  Tensor all = gradients_together(nn::tensors_of(parameters));
  const bool together = all.defined();
  if (!together) {
    std::int64_t count = 0;
    for (const Tensor& gradient : gradients) count += gradient.count();
    all = norm.new_empty({count});
    std::int64_t first = 0;
    for (const Tensor& gradient : gradients) {
      all.part(first, gradient.shape()).assign(gradient);
      first += gradient.count();
    }
  } else {
    gradients = {all};
  }
  if constexpr (kernels::kHasDeviceCode) {
    if (observe("squared_norm_forward", kernels::SquaredNormShape{all.count()}, Device::kCuda)) {
      kernels::clip_factor_cuda(all.count(), all.address(), max_norm, norm.address(), factor.address(), cuda::stream());
      observed();
    }
    for (Tensor& gradient : gradients) {
      if (!observe("scale_forward", kernels::ScaleShape{gradient.count(), 1.0F}, Device::kCuda)) continue;
      kernels::scale_by_cuda(gradient.count(), factor.address(), gradient.address(), cuda::stream());
      observed();
    }
  }
  return norm;
}

// On the GPU, and again on the CPU (device_check.h).
Tensor clip_checked(const std::vector<nn::NamedTensor>& parameters, std::vector<Tensor>& gradients, double max_norm) {
  std::vector<Tensor> copies;
  for (const Tensor& gradient : gradients) copies.push_back(gradient.to(Device::kCpu));
  std::vector<Tensor> clipped = gradients;  // parts of the same memory
  const Tensor norm = clip_on_cuda(parameters, clipped, max_norm);
  const Tensor expected = clip_on_cpu(copies, max_norm);
  current_check->count_call("squared_norm_forward");
  current_check->compare("squared_norm_forward", 1, norm, expected);
  current_check->count_call("scale_forward");
  for (std::size_t i = 0; i < gradients.size(); ++i)
    current_check->compare("scale_forward", 0, gradients[i], copies[i]);
  return norm;
}

}  // namespace

Tensor clip_gradients(const std::vector<nn::NamedTensor>& parameters, double max_norm) {
  const LayerScope layer("clip");
  std::vector<Tensor> gradients = gradients_of(parameters);
  const bool on_cuda = !gradients.empty() && gradients.front().device() == Device::kCuda;
  if (on_cuda && current_check != nullptr) return clip_checked(parameters, gradients, max_norm);
  return on_cuda ? clip_on_cuda(parameters, gradients, max_norm) : clip_on_cpu(gradients, max_norm);
}

}  // namespace cardiograd::optim
