// Adam on the CPU: one pass over the four arrays; what is equal for all elements is computed once, in double.
#include <cmath>

#include "kernels/adam/adam.h"
#include "kernels/common/elementwise_cpu.h"

namespace cardiograd::kernels {
namespace {

AdamCoefficients coefficients_of(const AdamShape& s) {
  const double correction1 = 1 - std::pow(s.beta1, static_cast<double>(s.step));
  const double correction2 = 1 - std::pow(s.beta2, static_cast<double>(s.step));
  return {.coupled_decay = static_cast<float>(s.decoupled ? 0 : s.weight_decay),
          .keep = static_cast<float>(s.decoupled ? 1 - s.lr * s.weight_decay : 1),
          .rate1 = static_cast<float>(1 - s.beta1),
          .beta2 = static_cast<float>(s.beta2),
          .rate2 = static_cast<float>(1 - s.beta2),
          .step_size = static_cast<float>(s.lr / correction1),
          .inverse_root = static_cast<float>(1 / std::sqrt(correction2)),
          .epsilon = static_cast<float>(s.epsilon)};
}

void update(std::int64_t count, const AdamCoefficients k, const float* __restrict gradient, float* __restrict parameter,
            float* __restrict m, float* __restrict v) {
  for (std::int64_t i = 0; i < count; ++i) {
    const float g = gradient[i] + k.coupled_decay * parameter[i];
    m[i] += k.rate1 * (g - m[i]);
    v[i] = k.beta2 * v[i] + k.rate2 * g * g;
    parameter[i] = k.keep * parameter[i] - k.step_size * m[i] / (std::sqrt(v[i]) * k.inverse_root + k.epsilon);
  }
}

}  // namespace

void adam_forward_cpu(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v) {
  const AdamCoefficients k = coefficients_of(s);
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    update(last - first, k, gradient + first, parameter + first, m + first, v + first);
  });
}

}  // namespace cardiograd::kernels
