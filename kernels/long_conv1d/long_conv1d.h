// Convolution of each channel by itself with a kernel as long as the record, which reaches unequally far to both sides
// (what a state space model computes: Gu, Goel and Re, ICLR 2022, section 2). Channels last.
//
//   y[n, t, c] = sum over k of x[n, t + k - before, c] * w[k, c]        x is 0 outside 0 ... T-1
//
//   x, y, dx, dy  (N, T, C)     w, dw  (K, C)
//
//   long_conv1d_forward    y  =
//   long_conv1d_backward   dx =, dw +=; dw null: left out
//
// Tap `before` is that of the sample itself; taps below it read the past, taps above it the future.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct LongConv1dShape {
  std::int64_t batch = 1;
  std::int64_t time = 1;
  std::int64_t channels = 1;
  std::int64_t taps = 1;    // K
  std::int64_t before = 0;  // taps that read the past, less than K

  // The samples t for which tap k reads a sample that is there: first ... last - 1, none where last <= first.
  constexpr std::int64_t first_sample(std::int64_t k) const { return std::max<std::int64_t>(0, before - k); }
  constexpr std::int64_t last_sample(std::int64_t k) const { return std::min(time, time + before - k); }
};

void long_conv1d_forward_cpu(const LongConv1dShape& s, const float* x, const float* w, float* y);
void long_conv1d_backward_cpu(const LongConv1dShape& s, const float* x, const float* w, const float* dy, float* dx,
                              float* dw);

// The same on the GPU; pointers are to device memory.
void long_conv1d_forward_cuda(const LongConv1dShape& s, const float* x, const float* w, float* y, Stream stream);
void long_conv1d_backward_cuda(const LongConv1dShape& s, const float* x, const float* w, const float* dy, float* dx,
                               float* dw, Stream stream);

}  // namespace cardiograd::kernels
