// Activations on the CPU. std::erf is a call per element and some fifty times slower than memory; here the complement
// of the error function is a polynomial times one exponential, which vectorizes.
#include <cmath>

#include "kernels/activation/activation.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/vector_math.h"

namespace cardiograd::kernels {
namespace {

struct Normal {
  float below;    // Phi(x)
  float density;  // phi(x)
};

// With z = |x| / sqrt 2, erfc(z) = exp(-z^2) q(t), t = 1 / (1 + 0.4 z): q is the least-squares fit of degree 9 to
// exp(z^2) erfc(z) at Chebyshev nodes of t for z in 0 ... 9.6, weighted until the relative error was even (5e-8).
inline Normal normal(float x) {
  constexpr float kQ[] = {3.05323969e-05F, 0.225000912F, 0.232046466F,   0.174128336F,   0.278330696F,
                          -0.0869627653F,  0.298304964F, -0.0808602821F, -0.0673272233F, 0.0273083922F};
  const float t = 1.0F / (1.0F + 0.282842712F * std::abs(x));
  float q = kQ[9];
  for (int i = 8; i >= 0; --i) q = q * t + kQ[i];
  const float bell = fast_exp(-0.5F * x * x);
  const float tail = 0.5F * bell * q;
  return {x < 0.0F ? tail : 1.0F - tail, 0.398942280F * bell};
}

void relu(std::int64_t count, const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] <= 0.0F ? 0.0F : x[i];
}

void relu_gradient(std::int64_t count, const float* __restrict y, const float* __restrict dy, float* __restrict dx) {
  for (std::int64_t i = 0; i < count; ++i) dx[i] = y[i] <= 0.0F ? 0.0F : dy[i];
}

void leaky_relu(std::int64_t count, float slope, const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] <= 0.0F ? slope * x[i] : x[i];
}

void leaky_relu_gradient(std::int64_t count, float slope, const float* __restrict x, const float* __restrict dy,
                         float* __restrict dx) {
  for (std::int64_t i = 0; i < count; ++i) dx[i] = x[i] <= 0.0F ? slope * dy[i] : dy[i];
}

void tanh(std::int64_t count, const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = hyperbolic_tangent(x[i]);
}

void tanh_gradient(std::int64_t count, const float* __restrict y, const float* __restrict dy, float* __restrict dx) {
  for (std::int64_t i = 0; i < count; ++i) dx[i] = dy[i] * (1.0F - y[i] * y[i]);
}

void gelu(std::int64_t count, const float* __restrict x, float* __restrict y) {
  for (std::int64_t i = 0; i < count; ++i) y[i] = x[i] * normal(x[i]).below;
}

void gelu_gradient(std::int64_t count, const float* __restrict x, const float* __restrict dy, float* __restrict dx) {
  for (std::int64_t i = 0; i < count; ++i) {
    const Normal at = normal(x[i]);
    dx[i] = dy[i] * (at.below + x[i] * at.density);
  }
}

}  // namespace

void relu_forward_cpu(const ActivationShape& s, const float* x, float* y) {
  parallel_ranges(s.count, kElementsPerTask,
                  [&](std::int64_t first, std::int64_t last) { relu(last - first, x + first, y + first); });
}

void relu_backward_cpu(const ActivationShape& s, const float* y, const float* dy, float* dx) {
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    relu_gradient(last - first, y + first, dy + first, dx + first);
  });
}

void gelu_forward_cpu(const ActivationShape& s, const float* x, float* y) {
  parallel_ranges(s.count, kElementsPerTask,
                  [&](std::int64_t first, std::int64_t last) { gelu(last - first, x + first, y + first); });
}

void gelu_backward_cpu(const ActivationShape& s, const float* x, const float* dy, float* dx) {
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    gelu_gradient(last - first, x + first, dy + first, dx + first);
  });
}

void leaky_relu_forward_cpu(const LeakyReluShape& s, const float* x, float* y) {
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    leaky_relu(last - first, s.slope, x + first, y + first);
  });
}

void leaky_relu_backward_cpu(const LeakyReluShape& s, const float* x, const float* dy, float* dx) {
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    leaky_relu_gradient(last - first, s.slope, x + first, dy + first, dx + first);
  });
}

void tanh_forward_cpu(const ActivationShape& s, const float* x, float* y) {
  parallel_ranges(s.count, kElementsPerTask,
                  [&](std::int64_t first, std::int64_t last) { tanh(last - first, x + first, y + first); });
}

void tanh_backward_cpu(const ActivationShape& s, const float* y, const float* dy, float* dx) {
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    tanh_gradient(last - first, y + first, dy + first, dx + first);
  });
}

}  // namespace cardiograd::kernels
