// How matrix products (convolution, linear layers, attention) treat their operands. Tensors stay float and sums are
// accumulated in float in every mode; the modes differ in the rounding of the two factors of each product:
//
//   fp32   none
//   tf32   10 bits of mantissa, to nearest, ties away from zero (PTX: cvt.rna.tf32.f32)
//   bf16   7 bits of mantissa, to nearest even                  (PTX: cvt.rn.bf16.f32)
//
// Their words for options and files are in base/precision_words.h, which device code does not need.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace cardiograd {

enum class Precision { kFp32, kTf32, kBf16 };

// `x` as a factor of a product in this mode. NaN and infinities stay what they are.
inline float round_to(Precision precision, float x) {
  if (precision == Precision::kFp32 || !std::isfinite(x)) return x;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if (precision == Precision::kTf32) return std::bit_cast<float>((bits + 0x1000U) & ~0x1FFFU);
  return std::bit_cast<float>((bits + 0x7FFFU + ((bits >> 16U) & 1U)) & ~0xFFFFU);
}
// The same for the double-precision references, whose operands are floats held in doubles.
inline double round_to(Precision precision, double x) {
  return precision == Precision::kFp32 ? x : static_cast<double>(round_to(precision, static_cast<float>(x)));
}

}  // namespace cardiograd
