// Layer normalization on the GPU, the part that layer_norm.cu and residual_layer_norm.cu share. A warp treats a row and
// keeps it in registers: memory is read once. A lane keeps to its columns, so that gamma, beta and the sums of their
// gradients stay in registers from row to row.
//
// An Input says what is normalized; a matrix, or a residual sum:
//   const float* bias                      per column, or null
//   template <int kWidth> Floats<kWidth> load(std::int64_t row, unsigned column, const Floats<kWidth>& bias) const
// An Output takes its gradient:
//   template <int kWidth> Floats<kWidth> store(std::int64_t row, unsigned column, const Floats<kWidth>& gradient) const
// and gives back what kSums = 3 sums up beside the gradients of gamma and beta.
#pragma once

#include <cstdint>
#include <type_traits>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/last_block_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/vectors_cuda.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/layer_norm/layer_norm.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kNormWarps = 8;
inline constexpr int kForwardRows = 32;   // of a block
inline constexpr int kBackwardRows = 64;  // of a block

// Columns of one lane: kPieces times kWidth neighbors, the pieces 32 * kWidth apart.
template <int kWidth, int kPieces>
struct LaneColumns {
  static constexpr int kRowWidth = 32 * kWidth * kPieces;  // the widest row
  using Values = Floats<kWidth>[kPieces];
  unsigned width;

  __device__ __forceinline__ unsigned column(int piece) const { return (piece * 32 + threadIdx.x % 32) * kWidth; }
  __device__ __forceinline__ bool has(int piece) const { return column(piece) < width; }
  __device__ __forceinline__ void load(const float* from, Values& values) const {
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      if (has(p))
        values[p] = load_floats<kWidth>(from + column(p));
      else
        values[p] = {};
    }
  }
  // The sum of term(piece, element) over the row, in all lanes.
  template <class Term>
  __device__ __forceinline__ float sum(const Term& term) const {
    float total = 0;
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      if (!has(p)) continue;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) total += term(p, j);
    }
    return warp_sum(total);
  }
};

struct LayerNormForwardAt {
  const float* gamma;
  const float* beta;
  float epsilon;
  float* y;
  float* mean;
  float* rstd;
};

// One block: kForwardRows rows; one warp: every kNormWarps-th of them. No shared memory. Rows up to 32 * kWidth *
// kPieces.
template <int kWidth, int kPieces, class Input>
__global__ void __launch_bounds__(32 * kNormWarps)
    layer_norm_forward_kernel(std::int64_t rows, unsigned width, Input input, LayerNormForwardAt at) {
  const LaneColumns<kWidth, kPieces> lane{width};
  typename LaneColumns<kWidth, kPieces>::Values gamma, beta, bias = {}, x = {};
  if (input.bias != nullptr) lane.load(input.bias, bias);
  lane.load(at.gamma, gamma);
  lane.load(at.beta, beta);
  const auto count = static_cast<float>(width);
  for (int i = warp_of_thread(); i < kForwardRows; i += kNormWarps) {
    const std::int64_t row = std::int64_t{blockIdx.x} * kForwardRows + i;
    if (row >= rows) return;  // whole warps
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p)
      if (lane.has(p)) x[p] = input.template load<kWidth>(row, lane.column(p), bias[p]);
    const float center = lane.sum([&](int p, int j) { return x[p].at[j]; }) / count;
    const float squares = lane.sum([&](int p, int j) { return (x[p].at[j] - center) * (x[p].at[j] - center); });
    const float scale = 1.0F / sqrtf(squares / count + at.epsilon);
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      if (!lane.has(p)) continue;
      Floats<kWidth> y;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) y.at[j] = gamma[p].at[j] * ((x[p].at[j] - center) * scale) + beta[p].at[j];
      store_floats<kWidth>(at.y + row * width + lane.column(p), y);
    }
    if (threadIdx.x % 32 == 0) {
      at.mean[row] = center;
      at.rstd[row] = scale;
    }
  }
}

struct LayerNormBackwardAt {
  const float* gamma;
  const float* mean;
  const float* rstd;
  const float* dy;
  float* dgamma;
  float* dbeta;
  float* dbias;  // of the input, where it has one
};

// Column sums over the rows of a block from each warp's, then over the blocks in the one that comes last. `rows` is
// shared memory for kNormWarps rows.
template <int kWidth, int kPieces, int kSums>
__device__ void finish_row_sums(const LaneColumns<kWidth, kPieces>& lane, Floats<kWidth> (&sums)[kSums][kPieces],
                                float (&rows)[kNormWarps][LaneColumns<kWidth, kPieces>::kRowWidth],
                                const LayerNormBackwardAt& at, const ColumnPartials& partials) {
  constexpr unsigned kThreads = 32 * kNormWarps;
  const unsigned width = lane.width;
  for (int i = 0; i < kSums; ++i) {
    __syncthreads();
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p) store_floats<kWidth>(&rows[warp_of_thread()][lane.column(p)], sums[i][p]);
    __syncthreads();
    for (unsigned d = threadIdx.x * kWidth; d < width; d += kThreads * kWidth) {
      Floats<kWidth> total = load_floats<kWidth>(&rows[0][d]);
      for (int warp = 1; warp < kNormWarps; ++warp) {
        const Floats<kWidth> other = load_floats<kWidth>(&rows[warp][d]);
        SIMT_UNROLL
        for (int j = 0; j < kWidth; ++j) total.at[j] += other.at[j];
      }
      store_floats<kWidth>(partials.sums + (std::uint64_t{blockIdx.x} * kSums + i) * width + d, total);
    }
  }
  if (!is_last_block(partials.arrived, gridDim.x)) return;
  for (unsigned d = threadIdx.x * kWidth; d < kSums * width; d += kThreads * kWidth) {
    CompensatedSum total[kWidth];
    SIMT_UNROLL_BY(8)
    for (unsigned block = 0; block < gridDim.x; ++block) {
      const Floats<kWidth> part = load_floats<kWidth>(partials.sums + std::uint64_t{block} * kSums * width + d);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) total[j].add(part.at[j]);
    }
    float* to = d < width ? at.dgamma + d : d < 2 * width ? at.dbeta + (d - width) : at.dbias + (d - 2 * width);
    Floats<kWidth> value;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) value.at[j] = total[j].value();
    add_floats<kWidth>(to, value);
  }
}

// The gradient of the input and the sums over rows, in one pass. One block: kBackwardRows rows; one warp: every
// kNormWarps-th of them. Shared memory: kNormWarps rows. Rows up to 32 * kWidth * kPieces.
template <int kWidth, int kPieces, int kSums, class Input, class Output>
__global__ void __launch_bounds__(32 * kNormWarps)
    layer_norm_backward_kernel(std::int64_t rows, unsigned width, Input input, Output output, LayerNormBackwardAt at,
                               ColumnPartials partials) {
  using Lane = LaneColumns<kWidth, kPieces>;
  SIMT_SHARED(float, row_sums, [kNormWarps][Lane::kRowWidth]);
  const Lane lane{width};
  typename Lane::Values gamma, bias = {}, x = {}, dy = {};
  if (input.bias != nullptr) lane.load(input.bias, bias);
  lane.load(at.gamma, gamma);
  Floats<kWidth> sums[kSums][kPieces] = {};
  for (int i = warp_of_thread(); i < kBackwardRows; i += kNormWarps) {
    const std::int64_t row = std::int64_t{blockIdx.x} * kBackwardRows + i;
    if (row >= rows) break;  // whole warps
    const float center = at.mean[row];
    const float scale = at.rstd[row];
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      if (!lane.has(p)) continue;
      x[p] = input.template load<kWidth>(row, lane.column(p), bias[p]);
      dy[p] = load_floats<kWidth>(at.dy + row * width + lane.column(p));
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        x[p].at[j] = (x[p].at[j] - center) * scale;  // normalized
        sums[0][p].at[j] += dy[p].at[j] * x[p].at[j];
        sums[1][p].at[j] += dy[p].at[j];
        dy[p].at[j] *= gamma[p].at[j];
      }
    }
    const float sum = lane.sum([&](int p, int j) { return dy[p].at[j]; }) / static_cast<float>(width);
    const float product = lane.sum([&](int p, int j) { return dy[p].at[j] * x[p].at[j]; }) / static_cast<float>(width);
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      if (!lane.has(p)) continue;
      Floats<kWidth> gradient;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) gradient.at[j] = scale * (dy[p].at[j] - (sum + x[p].at[j] * product));
      gradient = output.template store<kWidth>(row, lane.column(p), gradient);
      if constexpr (kSums == 3) {
        SIMT_UNROLL
        for (int j = 0; j < kWidth; ++j) sums[2][p].at[j] += gradient.at[j];
      }
    }
  }
  finish_row_sums<kWidth, kPieces, kSums>(lane, sums, row_sums, at, partials);
}

// A matrix as input, and as its gradient.
struct MatrixInput {
  static constexpr const float* bias = nullptr;
  const float* x;
  unsigned width;
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> load(std::int64_t row, unsigned column, const Floats<kWidth>&) const {
    return load_floats<kWidth>(x + row * width + column);
  }
};
struct MatrixOutput {
  float* dx;
  unsigned width;
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> store(std::int64_t row, unsigned column,
                                                  const Floats<kWidth>& gradient) const {
    store_floats<kWidth>(dx + row * width + column, gradient);
    return gradient;
  }
};

// The kernels for rows of any width, in layer_norm.cu: x is read again for each pass. y or dx may be x.
void wide_layer_norm_forward(const LayerNormShape& s, const float* x, const LayerNormForwardAt& at, Stream stream);
void wide_layer_norm_backward(const LayerNormShape& s, const float* x, const LayerNormBackwardAt& at, float* dx,
                              Stream stream);

// The widest row that a warp's registers hold, in accesses of one float and of four; half of that with three sums.
inline constexpr std::int64_t kWidestNarrow = 256;
inline constexpr std::int64_t kWidestWide = 1024;

// Calls launch(kWidth, kPieces) with the smallest instance that holds a row, both as std::integral_constant. False when
// none does.
template <int kSums, class Launch, class... T>
bool with_row_in_registers(std::int64_t width, Launch&& launch, const T*... addresses) {
  if (width % 4 != 0 || !are_aligned(addresses...)) {
    if (width > kWidestNarrow) return false;
    const std::integral_constant<int, 1> one;
    width <= 64 ? launch(one, std::integral_constant<int, 2>()) : launch(one, std::integral_constant<int, 8>());
    return true;
  }
  if (width > (kSums < 3 ? kWidestWide : kWidestWide / 2)) return false;
  const std::integral_constant<int, 4> four;
  if (width <= 128)
    launch(four, std::integral_constant<int, 1>());
  else if (width <= 256)
    launch(four, std::integral_constant<int, 2>());
  else if (width <= 512)
    launch(four, std::integral_constant<int, 4>());
  else if constexpr (kSums < 3)
    launch(four, std::integral_constant<int, 8>());
  return true;
}

template <class Input, class... T>
bool run_layer_norm_forward(const LayerNormShape& s, const Input& input, const LayerNormForwardAt& at, Stream stream,
                            const T*... addresses) {
  const auto launch = [&](auto width, auto pieces) {
    simt::launch<layer_norm_forward_kernel<width(), pieces(), Input>>(dim3(blocks_for(s.rows, kForwardRows)),
                                                                      dim3(32 * kNormWarps), 0, stream, s.rows,
                                                                      static_cast<unsigned>(s.width), input, at);
  };
  return with_row_in_registers<0>(s.width, launch, at.gamma, at.beta, at.y, addresses...);
}

template <int kSums, class Input, class Output, class... T>
bool run_layer_norm_backward(const LayerNormShape& s, const Input& input, const Output& output,
                             const LayerNormBackwardAt& at, Stream stream, const T*... addresses) {
  const unsigned blocks = blocks_for(s.rows, kBackwardRows);
  const ColumnPartials partials = column_partials(stream, blocks, kSums, s.width);
  const auto launch = [&](auto width, auto pieces) {
    simt::launch<layer_norm_backward_kernel<width(), pieces(), kSums, Input, Output>>(
        dim3(blocks), dim3(32 * kNormWarps), 0, stream, s.rows, static_cast<unsigned>(s.width), input, output, at,
        partials);
  };
  return with_row_in_registers<kSums>(s.width, launch, at.gamma, at.dy, at.dgamma, at.dbeta, at.dbias, addresses...);
}

}  // namespace cardiograd::kernels
