// Layer normalization on the GPU: a warp per row, two passes for the variance, sums by shuffles.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/layer_norm/layer_norm.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kRowWarps = 4;

// The row of the running warp; one block has kRowWarps of them.
__device__ inline std::int64_t row_of_warp() {
  return std::int64_t{blockIdx.x} * kRowWarps + threadIdx.x / 32;
}

// One block: kRowWarps rows; one lane: every 32nd element of a row. Any width.
static __global__ void __launch_bounds__(32 * kRowWarps)
    layer_norm_forward_kernel(std::int64_t rows, std::int64_t width, float epsilon, const float* x, const float* gamma,
                              const float* beta, float* y, float* mean, float* rstd) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // whole warps
  const std::int64_t lane = threadIdx.x % 32;
  const float* from = x + row * width;
  float sum = 0;
  for (std::int64_t d = lane; d < width; d += 32) sum += from[d];
  const float center = warp_sum(sum) / static_cast<float>(width);
  float squares = 0;
  for (std::int64_t d = lane; d < width; d += 32) squares += (from[d] - center) * (from[d] - center);
  const float scale = 1.0F / sqrtf(warp_sum(squares) / static_cast<float>(width) + epsilon);
  for (std::int64_t d = lane; d < width; d += 32)
    y[row * width + d] = gamma[d] * ((from[d] - center) * scale) + beta[d];
  if (lane == 0) {
    mean[row] = center;
    rstd[row] = scale;
  }
}

// dx, in the same shape.
static __global__ void __launch_bounds__(32 * kRowWarps)
    layer_norm_backward_kernel(std::int64_t rows, std::int64_t width, const float* x, const float* gamma,
                               const float* mean, const float* rstd, const float* dy, float* dx) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // whole warps
  const std::int64_t lane = threadIdx.x % 32;
  const float* from = x + row * width;
  const float* above = dy + row * width;
  float sum = 0;
  float product = 0;
  for (std::int64_t d = lane; d < width; d += 32) {
    const float g = gamma[d] * above[d];
    sum += g;
    product += g * ((from[d] - mean[row]) * rstd[row]);
  }
  sum = warp_sum(sum) / static_cast<float>(width);
  product = warp_sum(product) / static_cast<float>(width);
  for (std::int64_t d = lane; d < width; d += 32) {
    const float normal = (from[d] - mean[row]) * rstd[row];
    dx[row * width + d] = rstd[row] * (gamma[d] * above[d] - (sum + normal * product));
  }
}

// dgamma and dbeta through column_sums.
struct LayerNormLoad {
  std::int64_t width;
  const float* x;
  const float* mean;
  const float* rstd;
  const float* dy;
  __device__ ColumnSums<2> operator()(std::int64_t row, std::int64_t column) const {
    const std::int64_t i = row * width + column;
    return {{dy[i] * ((x[i] - mean[row]) * rstd[row]), dy[i]}};
  }
};
struct LayerNormFinish {
  float* dgamma;
  float* dbeta;
  __device__ void operator()(std::int64_t column, const ColumnSums<2>& sums) const {
    dgamma[column] += sums.value[0];
    dbeta[column] += sums.value[1];
  }
};

namespace {

dim3 row_blocks(const LayerNormShape& s) {
  return dim3(blocks_for(s.rows, kRowWarps));
}

}  // namespace

void layer_norm_forward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                             float* mean, float* rstd, Stream stream) {
  if (s.rows == 0) return;
  simt::launch<layer_norm_forward_kernel>(row_blocks(s), dim3(32 * kRowWarps), 0, stream, s.rows, s.width,
                                          static_cast<float>(s.epsilon), x, gamma, beta, y, mean, rstd);
}

void layer_norm_backward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* mean,
                              const float* rstd, const float* dy, float* dx, float* dgamma, float* dbeta,
                              Stream stream) {
  if (s.rows == 0) return;
  simt::launch<layer_norm_backward_kernel>(row_blocks(s), dim3(32 * kRowWarps), 0, stream, s.rows, s.width, x, gamma,
                                           mean, rstd, dy, dx);
  column_sums<2>(s.rows, s.width, stream, LayerNormLoad{s.width, x, mean, rstd, dy}, LayerNormFinish{dgamma, dbeta});
}

}  // namespace cardiograd::kernels
