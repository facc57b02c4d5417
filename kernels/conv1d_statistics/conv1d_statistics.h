// A convolution and the statistics of its output over the batch, for the batch normalization behind it: y is not read
// again to find them.
//
//   y = conv1d(x, w) + b, as in conv1d.h;   mean, variance (biased) of y over all N * Tout rows, per channel
//
//   x  (N, T, Cin)    w  (K, Cin/G, Cout)    y  (N, Tout, Cout)    b, running_mean, running_var, mean, variance  (Cout)
//
//   conv1d_statistics_forward   y, mean, variance = , running = (1 - momentum) * running + momentum * statistic, the
//                               variance unbiased there, as batch_norm_forward does. Needs N * Tout >= 2.
//
// Gradients are those of the parts: batch_norm_backward, then conv1d's.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"
#include "kernels/conv1d/conv1d.h"

namespace cardiograd::kernels {

struct Conv1dStatisticsShape : Conv1dShape {
  double momentum = 0.1;

  constexpr std::int64_t rows() const { return batch * output_time(); }
};

void conv1d_statistics_forward_cpu(const Conv1dStatisticsShape& s, const float* x, const float* w, const float* b,
                                   float* running_mean, float* running_var, float* y, float* mean, float* variance);

// The same on the GPU; pointers are to device memory.
void conv1d_statistics_forward_cuda(const Conv1dStatisticsShape& s, const float* x, const float* w, const float* b,
                                    float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                    Stream stream);

// The kernel that takes the statistics with the product (kernels/gemm/product.h); "parts" where one more reads y.
const char* conv1d_statistics_forward_path(const Conv1dStatisticsShape& s);

}  // namespace cardiograd::kernels
