// The exponential function as a handful of multiplications and additions, which the compiler vectorises; std::exp is a
// call per element.
#pragma once

#include <bit>
#include <cstdint>

namespace cardiograd::kernels {

// exp(a) for a <= 88 to 2 units in the last place; 0 below -87, where exp(a) < 1.7e-38. NaN gives NaN.
// exp(a) = 2^n exp(r) with n the integer nearest to a / ln 2 and |r| <= ln(2) / 2, where the Taylor polynomial of
// degree 7 is exact to 4e-9.
inline float fast_exp(float a) {
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits.
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  const float shifted = a * 1.44269504F + kRound;
  const float n = shifted - kRound;
  const float r = (a - n * kLn2High) - n * kLn2Low;
  float p = 1.0F / 5040.0F;
  p = p * r + 1.0F / 720.0F;
  p = p * r + 1.0F / 120.0F;
  p = p * r + 1.0F / 24.0F;
  p = p * r + 1.0F / 6.0F;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  const auto exponent = (std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(kRound) + 127U) << 23;
  const float value = p * std::bit_cast<float>(exponent);
  return a < -87.0F ? 0.0F : value;
}

}  // namespace cardiograd::kernels
