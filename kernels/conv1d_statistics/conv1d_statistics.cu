// A convolution and the statistics of its output on the GPU: one launch where the product's kernel has the statistics
// in its epilogue (kernels/gemm/slab_statistics.cuh), else the convolution's and the batch norm's.
#include "kernels/batch_norm/batch_norm_cuda.cuh"
#include "kernels/conv1d/conv1d_products.h"
#include "kernels/conv1d_statistics/conv1d_statistics.h"
#include "kernels/gemm/product.h"

namespace cardiograd::kernels {

void conv1d_statistics_forward_cuda(const Conv1dStatisticsShape& s, const float* x, const float* w, const float* b,
                                    float* running_mean, float* running_var, float* y, float* mean, float* variance,
                                    Stream stream) {
  const ProductStatistics statistics = {static_cast<float>(s.momentum), running_mean, running_var, mean, variance};
  if (product_with_statistics_cuda(forward_product(s), x, w, b, y, statistics, stream)) return;
  conv1d_forward_cuda(s, x, w, b, y, stream);
  batch_norm_statistics_cuda({.rows = s.rows(), .channels = s.output_channels, .momentum = s.momentum}, y, running_mean,
                             running_var, mean, variance, stream);
}

const char* conv1d_statistics_forward_path(const Conv1dStatisticsShape& s) {
  const char* const path = statistics_path(forward_product(s));
  return *path != '\0' ? path : "parts";
}

}  // namespace cardiograd::kernels
