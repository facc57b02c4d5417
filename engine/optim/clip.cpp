// Clipping of gradients by their common norm.
#include <cmath>
#include <vector>

#include "engine/cuda.h"
#include "engine/optim/adam.h"
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

Tensor clip_on_cpu(std::vector<Tensor>& gradients, double largest) {
  double squares = 0;
  for (const Tensor& gradient : gradients) {
    float square = 0;
    kernels::squared_norm_forward_cpu({gradient.count()}, gradient.data(), &square);
    squares += square;
  }
  const double norm = std::sqrt(squares);
  const double factor = largest / (norm + 1e-6);  // PyTorch's guard against a norm of zero.
  if (factor < 1)
    for (Tensor& gradient : gradients)
      kernels::scale_forward_cpu({gradient.count(), static_cast<float>(factor)}, gradient.data());
  return Tensor::full({1}, static_cast<float>(norm));
}

// Norm and factor never leave the GPU.
Tensor clip_on_cuda(std::vector<Tensor>& gradients, double largest) {
  const auto count = static_cast<std::int64_t>(gradients.size());
  Tensor squares = Tensor::empty({count}, DType::kFloat32, Device::kCuda);
  Tensor norm = squares.new_empty({1});
  Tensor factor = squares.new_empty({1});
  if constexpr (kernels::kHasDeviceCode) {
    for (std::int64_t i = 0; i < count; ++i) {
      const Tensor& gradient = gradients[static_cast<std::size_t>(i)];
      kernels::squared_norm_forward_cuda({gradient.count()}, gradient.address(), squares.address() + i, cuda::stream());
    }
    kernels::clip_factor_cuda(count, squares.address(), largest, norm.address(), factor.address(), cuda::stream());
    for (Tensor& gradient : gradients)
      kernels::scale_by_cuda(gradient.count(), factor.address(), gradient.address(), cuda::stream());
  }
  return norm;
}

}  // namespace

Tensor clip_gradients(const std::vector<nn::NamedTensor>& parameters, double largest) {
  std::vector<Tensor> gradients = gradients_of(parameters);
  const bool on_cuda = !gradients.empty() && gradients.front().device() == Device::kCuda;
  return on_cuda ? clip_on_cuda(gradients, largest) : clip_on_cpu(gradients, largest);
}

}  // namespace cardiograd::optim
