// Branch-free functions and reductions that the compiler turns into vector instructions without -ffast-math. They are
// static: files compiled for different processors each have their own.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include <immintrin.h>

namespace cardiograd::kernels {

// exp(x) with a relative error below 2e-7; 0 below -87 (where the true value is under 1.7e-38), NaN for NaN. x <= 88.
static inline float fast_exp(float x) {
  constexpr float kLog2E = 1.44269504F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  const float clamped = x < -87.0F ? -87.0F : x;
  const float shifted = clamped * kLog2E + kRound;
  const float n = shifted - kRound;
  const float r = (clamped - n * kLn2High) - n * kLn2Low;
  // Cephes' polynomial for exp on |r| <= ln(2) / 2.
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  p = p * (r * r) + r + 1.0F;
  const std::uint32_t exponent = (std::bit_cast<std::uint32_t>(shifted) + 127U - std::bit_cast<std::uint32_t>(kRound))
                                 << 23;
  const float value = p * std::bit_cast<float>(exponent);
  return x < -87.0F ? 0.0F : value;
}

// tanh(x) with a relative error below 3e-7: Cephes' polynomial where |x| < 0.625, elsewhere by the exponential.
static inline float hyperbolic_tangent(float x) {
  const float z = x * x;
  float p = -5.70498872745e-3F;
  p = p * z + 2.06390887954e-2F;
  p = p * z - 5.37397155531e-2F;
  p = p * z + 1.33314422036e-1F;
  p = p * z - 3.33332819422e-1F;
  const float magnitude = std::abs(x);
  const float large = 1.0F - 2.0F / (fast_exp(magnitude > 20.0F ? 40.0F : 2.0F * magnitude) + 1.0F);
  return magnitude < 0.625F ? p * z * x + x : std::copysign(large, x);
}

// Partial sums that a loop keeps apart so that it can be vectorized; they are added in a fixed order.
inline constexpr int kReductionLanes = 16;

// Their sum: halves are added until one is left.
static inline float add_lanes(const float* lanes) {
  const __m256 eight = _mm256_add_ps(_mm256_loadu_ps(lanes), _mm256_loadu_ps(lanes + 8));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// The largest of them; where one is NaN, that or another.
static inline float max_of_lanes(const float* lanes) {
  const __m256 eight = _mm256_max_ps(_mm256_loadu_ps(lanes), _mm256_loadu_ps(lanes + 8));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

// sum over i of term(i), i in 0 ... count-1.
template <class Term>
static inline float lane_sum(std::int64_t count, Term&& term) {
  float lanes[kReductionLanes] = {};
  std::int64_t i = 0;
  for (; i + kReductionLanes <= count; i += kReductionLanes)
    for (int lane = 0; lane < kReductionLanes; ++lane) lanes[lane] += term(i + lane);
  for (int lane = 0; i < count; ++i, ++lane) lanes[lane] += term(i);
  return add_lanes(lanes);
}

}  // namespace cardiograd::kernels
