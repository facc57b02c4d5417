// Layer normalization on the GPU: rows in the registers of a warp (layer_norm_cuda.cuh); rows too wide for that are
// read again for each pass.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/layer_norm/layer_norm.h"
#include "kernels/layer_norm/layer_norm_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kRowWarps = 4;

// The row of the running warp; one block has kRowWarps of them.
__device__ inline std::int64_t row_of_warp() {
  return std::int64_t{blockIdx.x} * kRowWarps + warp_of_thread();
}

// One block: kRowWarps rows; one lane: every 32nd element of a row. Any width. y may be x.
static __global__ void __launch_bounds__(32 * kRowWarps)
    wide_layer_norm_forward_kernel(std::int64_t rows, std::int64_t width, const float* x, LayerNormForwardAt at) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // whole warps
  const std::int64_t lane = lane_of_thread();
  const float* from = x + row * width;
  float sum = 0;
  for (std::int64_t d = lane; d < width; d += 32) sum += from[d];
  const float center = warp_sum(sum) / static_cast<float>(width);
  float squares = 0;
  for (std::int64_t d = lane; d < width; d += 32) squares += (from[d] - center) * (from[d] - center);
  const float scale = 1.0F / sqrtf(warp_sum(squares) / static_cast<float>(width) + at.epsilon);
  for (std::int64_t d = lane; d < width; d += 32)
    at.y[row * width + d] = at.gamma[d] * ((from[d] - center) * scale) + at.beta[d];
  if (lane == 0) {
    at.mean[row] = center;
    at.rstd[row] = scale;
  }
}

// dx, in the same shape. dx may be x.
static __global__ void __launch_bounds__(32 * kRowWarps)
    wide_layer_norm_backward_kernel(std::int64_t rows, std::int64_t width, const float* x, LayerNormBackwardAt at,
                                    float* dx) {
  const std::int64_t row = row_of_warp();
  if (row >= rows) return;  // whole warps
  const std::int64_t lane = lane_of_thread();
  const float* from = x + row * width;
  const float* above = at.dy + row * width;
  const float center = at.mean[row];
  const float scale = at.rstd[row];
  float sum = 0;
  float product = 0;
  for (std::int64_t d = lane; d < width; d += 32) {
    const float g = at.gamma[d] * above[d];
    sum += g;
    product += g * ((from[d] - center) * scale);
  }
  sum = warp_sum(sum) / static_cast<float>(width);
  product = warp_sum(product) / static_cast<float>(width);
  for (std::int64_t d = lane; d < width; d += 32) {
    const float normal = (from[d] - center) * scale;
    dx[row * width + d] = scale * (at.gamma[d] * above[d] - (sum + normal * product));
  }
}

// The gradients of gamma and beta of wide rows, through column_sums_kernel.
struct LayerNormSource {
  const float* x;
  const float* mean;
  const float* rstd;
  const float* dy;
  unsigned width;

  template <int kWidth>
  struct Rows {
    const float* x;
    const float* mean;
    const float* rstd;
    const float* dy;
    unsigned width;
    __device__ __forceinline__ void add(unsigned row, Floats<kWidth> (&sums)[2]) const {
      const Floats<kWidth> value = load_floats<kWidth>(x + std::uint64_t{row} * width);
      const Floats<kWidth> above = load_floats<kWidth>(dy + std::uint64_t{row} * width);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        sums[0].at[j] += above.at[j] * ((value.at[j] - mean[row]) * rstd[row]);
        sums[1].at[j] += above.at[j];
      }
    }
  };
  template <int kWidth>
  __device__ Rows<kWidth> at(std::int64_t row, unsigned column) const {
    return {x + row * width + column, mean + row, rstd + row, dy + row * width + column, width};
  }
};
struct LayerNormFinish {
  float* dgamma;
  float* dbeta;
  template <int kWidth>
  __device__ void operator()(unsigned column, const Floats<kWidth> (&sums)[2]) const {
    add_floats<kWidth>(dgamma + column, sums[0]);
    add_floats<kWidth>(dbeta + column, sums[1]);
  }
};

void wide_layer_norm_forward(const LayerNormShape& s, const float* x, const LayerNormForwardAt& at, Stream stream) {
  simt::launch<wide_layer_norm_forward_kernel>(dim3(blocks_for(s.rows, kRowWarps)), dim3(32 * kRowWarps), 0, stream,
                                               s.rows, s.width, x, at);
}

void wide_layer_norm_backward(const LayerNormShape& s, const float* x, const LayerNormBackwardAt& at, float* dx,
                              Stream stream) {
  const unsigned chunks = blocks_for(s.rows, kRowsPerChunk);
  const ColumnPartials partials = column_partials(stream, chunks, 2, s.width);
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    simt::launch<column_sums_kernel<2, width(), LayerNormSource, LayerNormFinish>>(
        dim3(chunks, Tile::tiles(s.width)), Tile::block(), 0, stream, s.rows, static_cast<unsigned>(s.width),
        LayerNormSource{x, at.mean, at.rstd, at.dy, static_cast<unsigned>(s.width)}, partials,
        LayerNormFinish{at.dgamma, at.dbeta});
  };
  with_width(s.width, launch, x, at.dy, at.dgamma, at.dbeta);
  simt::launch<wide_layer_norm_backward_kernel>(dim3(blocks_for(s.rows, kRowWarps)), dim3(32 * kRowWarps), 0, stream,
                                                s.rows, s.width, x, at, dx);
}

void layer_norm_forward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* beta, float* y,
                             float* mean, float* rstd, Stream stream) {
  if (s.rows == 0) return;
  const LayerNormForwardAt at = {gamma, beta, static_cast<float>(s.epsilon), y, mean, rstd};
  if (!run_layer_norm_forward(s, MatrixInput{x, static_cast<unsigned>(s.width)}, at, stream, x))
    wide_layer_norm_forward(s, x, at, stream);
}

void layer_norm_backward_cuda(const LayerNormShape& s, const float* x, const float* gamma, const float* mean,
                              const float* rstd, const float* dy, float* dx, float* dgamma, float* dbeta,
                              Stream stream) {
  if (s.rows == 0) return;
  const LayerNormBackwardAt at = {gamma, mean, rstd, dy, dgamma, dbeta, nullptr};
  const auto width = static_cast<unsigned>(s.width);
  if (!run_layer_norm_backward<2>(s, MatrixInput{x, width}, MatrixOutput{dx, width}, at, stream, x, dx))
    wide_layer_norm_backward(s, x, at, dx, stream);
}

}  // namespace cardiograd::kernels
