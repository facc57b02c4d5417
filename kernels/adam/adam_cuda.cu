#include <cmath>

#include "kernels/adam/adam_cuda.cuh"
#include "kernels/adam/adam_cuda.h"
#include "kernels/common/elementwise_cuda.cuh"

namespace cardiograd::kernels {

void adam_forward_cuda(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v, Stream stream) {
  const double correction1 = 1 - std::pow(s.beta1, static_cast<double>(s.step));
  const double correction2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  const AdamCoefficients k = {.coupled_decay = static_cast<float>(s.decoupled ? 0 : s.weight_decay),
                              .keep = static_cast<float>(s.decoupled ? 1 - s.lr * s.weight_decay : 1),
                              .rate1 = static_cast<float>(1 - s.beta1),
                              .beta2 = static_cast<float>(s.beta2),
                              .rate2 = static_cast<float>(1 - s.beta2),
                              .step_size = static_cast<float>(s.lr / correction1),
                              .inverse_root = static_cast<float>(1 / std::sqrt(correction2)),
                              .epsilon = static_cast<float>(s.epsilon)};
  for_each_element(s.count, stream, AdamBody{k, gradient, parameter, m, v});
}

}  // namespace cardiograd::kernels
