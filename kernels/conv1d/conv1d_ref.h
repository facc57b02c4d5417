// Convolution in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/conv1d/conv1d.h"

namespace cardiograd::kernels {

// What a product takes of `x`.
template <class Real>
Real factor(const Conv1dShape& s, Real x) {
  return round_to(s.precision, x);
}

// Calls visit(x index, w index, y index) for every product of the convolution.
template <class Visit>
void conv1d_for_each_product(const Conv1dShape& s, Visit&& visit) {
  const std::int64_t group_inputs = s.input_channels / s.groups;
  const std::int64_t group_outputs = s.output_channels / s.groups;
  for (std::int64_t n = 0; n < s.batch; ++n) {
    for (std::int64_t t = 0; t < s.output_time(); ++t) {
      for (std::int64_t k = 0; k < s.kernel; ++k) {
        const std::int64_t source = t * s.stride - s.padding + k * s.dilation;
        if (source < 0 || source >= s.time) continue;
        for (std::int64_t c = 0; c < group_inputs; ++c) {
          for (std::int64_t o = 0; o < s.output_channels; ++o) {
            const std::int64_t channel = o / group_outputs * group_inputs + c;
            visit((n * s.time + source) * s.input_channels + channel, (k * group_inputs + c) * s.output_channels + o,
                  (n * s.output_time() + t) * s.output_channels + o);
          }
        }
      }
    }
  }
}

template <class Real>
void conv1d_forward_ref(const Conv1dShape& s, const Real* x, const Real* w, const Real* b, Real* y) {
  const std::int64_t rows = s.batch * s.output_time();
  for (std::int64_t i = 0; i < rows * s.output_channels; ++i) y[i] = b[i % s.output_channels];
  conv1d_for_each_product(
      s, [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) { y[iy] += factor(s, x[ix]) * factor(s, w[iw]); });
}

template <class Real>
void conv1d_backward_input_ref(const Conv1dShape& s, const Real* w, const Real* dy, Real* dx) {
  for (std::int64_t i = 0; i < s.batch * s.time * s.input_channels; ++i) dx[i] = 0;
  conv1d_for_each_product(
      s, [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) { dx[ix] += factor(s, w[iw]) * factor(s, dy[iy]); });
}

template <class Real>
void conv1d_backward_weight_ref(const Conv1dShape& s, const Real* x, const Real* dy, Real* dw, Real* db) {
  const std::int64_t rows = s.batch * s.output_time();
  for (std::int64_t i = 0; s.bias_gradient && i < rows * s.output_channels; ++i) db[i % s.output_channels] += dy[i];
  conv1d_for_each_product(
      s, [&](std::int64_t ix, std::int64_t iw, std::int64_t iy) { dw[iw] += factor(s, x[ix]) * factor(s, dy[iy]); });
}

}  // namespace cardiograd::kernels
