// The products of kernels/gemm/product.h that a convolution is.
#pragma once

#include "kernels/conv1d/conv1d.h"
#include "kernels/gemm/product.h"

namespace cardiograd::kernels {

inline ProductShape forward_product(const Conv1dShape& s) {
  return {.records = s.batch,
          .time_in = s.time,
          .time_out = s.output_time(),
          .taps = s.kernel,
          .dilation = s.dilation,
          .first = -s.padding,
          .stride = s.stride,
          .groups = s.groups,
          .depth = s.input_channels / s.groups,
          .columns = s.output_channels / s.groups,
          .precision = s.precision};
}

// dx[t] gathers dy[(t + padding - k * dilation) / stride]: a convolution of dy with the taps in reverse order.
inline ProductShape input_product(const Conv1dShape& s) {
  return {.records = s.batch,
          .time_in = s.output_time(),
          .time_out = s.time,
          .taps = s.kernel,
          .dilation = s.dilation,
          .first = s.padding - (s.kernel - 1) * s.dilation,
          .upsample = s.stride,
          .groups = s.groups,
          .depth = s.output_channels / s.groups,
          .columns = s.input_channels / s.groups,
          .precision = s.precision};
}

}  // namespace cardiograd::kernels
