// The loop of long_conv1d_micro.h, included once per instruction set behind these definitions of its own:
//   Vector, kLanes       a vector of floats and their number
//   kBlock               rows of `out` that stay in registers
//   load, store, multiply_add(a, b, sum)
// Everything is internal to the including file.

#include <algorithm>

#include "kernels/long_conv1d/long_conv1d_micro.h"

namespace cardiograd::kernels {
namespace {

// sums[i] += sum over j in 0 ... count - 1 of a[j] * b[j - i]. As long as there are kBlock rows of `a`, those of `b`
// that the next product meets stay in registers, and each step reads one row of each.
inline void add_products(std::int64_t count, const float* a, const float* b, Vector (&sums)[kBlock]) {
  std::int64_t j = 0;
  Vector ring[kBlock];  // row j + i of b is in place i, rounded to the block
  for (int i = 1; i < kBlock; ++i) ring[i] = load(b + (i - kBlock) * kLanes);
  for (; j + kBlock <= count; j += kBlock) {
#pragma GCC unroll 16
    for (int i = 0; i < kBlock; ++i) {
      const Vector factor = load(a + (j + i) * kLanes);
      ring[i] = load(b + (j + i) * kLanes);
#pragma GCC unroll 16
      for (int o = 0; o < kBlock; ++o) sums[o] = multiply_add(factor, ring[(i - o + kBlock) % kBlock], sums[o]);
    }
  }
  for (; j < count; ++j) {
    const Vector factor = load(a + j * kLanes);
    for (int o = 0; o < kBlock; ++o) sums[o] = multiply_add(factor, load(b + (j - o) * kLanes), sums[o]);
  }
}

void correlate(const Correlation& c) {
  for (std::int64_t first = 0; first < c.out_rows; first += kBlock) {
    const std::int64_t begin = std::max<std::int64_t>(0, first - c.shift);
    const std::int64_t end = std::min(c.a_rows, c.b_rows + first + kBlock - 1 - c.shift);
    if (begin >= end) continue;
    float* out = c.out + first * kLanes;
    Vector sums[kBlock];
    for (int i = 0; i < kBlock; ++i) sums[i] = load(out + i * kLanes);
    add_products(end - begin, c.a + begin * kLanes, c.b + (begin - first + c.shift) * kLanes, sums);
    for (int i = 0; i < kBlock; ++i) store(out + i * kLanes, sums[i]);
  }
}

}  // namespace
}  // namespace cardiograd::kernels
