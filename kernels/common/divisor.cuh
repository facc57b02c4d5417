// Division by a number that a launch knows and the compiler does not: three instructions instead of about twenty.
#pragma once

#include <bit>
#include <cstdint>

#include "simt/simt.h"

namespace cardiograd::kernels {

// n / divisor for n below 2^31 and a divisor from 1 to 2^31 (Granlund and Montgomery, 1994, figure 4.1).
struct Divisor {
  unsigned divisor = 1;
  unsigned multiplier = 1;
  unsigned shift = 0;

  __device__ __forceinline__ unsigned quotient(unsigned n) const { return (__umulhi(multiplier, n) + n) >> shift; }
  __device__ __forceinline__ unsigned rest(unsigned n) const { return n - quotient(n) * divisor; }
};

inline Divisor divisor_of(std::int64_t number) {
  const auto divisor = static_cast<std::uint64_t>(number);
  const auto shift = static_cast<unsigned>(std::bit_width(divisor - 1));
  const std::uint64_t multiplier = ((std::uint64_t{1} << 32) * ((std::uint64_t{1} << shift) - divisor)) / divisor + 1;
  return {static_cast<unsigned>(divisor), static_cast<unsigned>(multiplier), shift};
}

}  // namespace cardiograd::kernels
