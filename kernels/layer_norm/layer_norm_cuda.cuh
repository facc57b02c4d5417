// Layer normalization on the GPU, the part that layer_norm.cu and residual_layer_norm.cu share. A warp treats a row and
// keeps it in registers: memory is read once. A lane keeps to its columns, so that gamma, beta and the sums of their
// gradients stay in registers from row to row.
//
// An Input says what is normalized; a matrix, or a residual sum:
//   const float* bias                      per column, or null
//   Fetched<kWidth>                        what is read of memory for kWidth columns of a row
//   void begin()                           once per thread
//   Fetched<kWidth> fetch<kWidth>(row, column) const
//   Floats<kWidth> value(row, column, fetched, bias, unsigned& kept) const
// An Output takes its gradient; `kept` is what value() has left there:
//   void begin() const                     once per thread
//   Floats<kWidth> store(row, column, gradient, kept) const
// and gives back what kSums = 3 sums up beside the gradients of gamma and beta. Its member `above` says where the
// gradient of the result is: RowGradients, or another with the same functions.
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
inline constexpr int kForwardRows = 16;   // of a block
inline constexpr int kBackwardRows = 32;  // of a block

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
  // Two of them, with the same bits: neither waits for the other.
  template <class First, class Second>
  __device__ __forceinline__ void sum_two(const First& first, const Second& second, float (&totals)[2]) const {
    totals[0] = 0;
    totals[1] = 0;
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p) {
      if (!has(p)) continue;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        totals[0] += first(p, j);
        totals[1] += second(p, j);
      }
    }
    warp_sums(totals);
  }
};

// What a warp reads of a row, in its lanes: all of it is on its way before any of it is waited for.
template <int kWidth, int kPieces, class Input>
struct FetchedRow {
  typename Input::template Fetched<kWidth> input[kPieces] = {};

  __device__ __forceinline__ void fetch(const LaneColumns<kWidth, kPieces>& lane, const Input& from, std::int64_t row) {
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p)
      if (lane.has(p)) input[p] = from.template fetch<kWidth>(row, lane.column(p));
  }
};

// Behind the rows of the running block, which has `per_block` of them.
__device__ __forceinline__ std::int64_t end_of_block(std::int64_t rows, int per_block) {
  const std::int64_t end = (std::int64_t{blockIdx.x} + 1) * per_block;
  return rows < end ? rows : end;
}

struct LayerNormForwardAt {
  const float* gamma;
  const float* beta;
  float epsilon;
  float* y;
  float* mean;
  float* rstd;
};

// Normalizes one row: at.mean and at.rstd, and put(piece, Floats<kWidth>) for the columns that the lane has.
template <int kWidth, int kPieces, class Input, class Put>
__device__ __forceinline__ void normalize_row(const LaneColumns<kWidth, kPieces>& lane, std::int64_t row,
                                              const Input& input, const LayerNormForwardAt& at,
                                              const Floats<kWidth> (&gamma)[kPieces],
                                              const Floats<kWidth> (&beta)[kPieces],
                                              const Floats<kWidth> (&bias)[kPieces], const Put& put) {
  const auto count = static_cast<float>(lane.width);
  FetchedRow<kWidth, kPieces, Input> now;
  Floats<kWidth> x[kPieces] = {};
  now.fetch(lane, input, row);
  unsigned kept = 0;
  SIMT_UNROLL
  for (int p = 0; p < kPieces; ++p)
    if (lane.has(p)) x[p] = input.value(row, lane.column(p), now.input[p], bias[p], kept);
  const float center = lane.sum([&](int p, int j) { return x[p].at[j]; }) / count;
  const float squares = lane.sum([&](int p, int j) { return (x[p].at[j] - center) * (x[p].at[j] - center); });
  const float scale = 1.0F / sqrtf(squares / count + at.epsilon);
  SIMT_UNROLL
  for (int p = 0; p < kPieces; ++p) {
    if (!lane.has(p)) continue;
    Floats<kWidth> y;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) y.at[j] = gamma[p].at[j] * ((x[p].at[j] - center) * scale) + beta[p].at[j];
    put(p, y);
  }
  if (threadIdx.x % 32 == 0) {
    at.mean[row] = center;
    at.rstd[row] = scale;
  }
}

// One block: kForwardRows rows; one warp: every kNormWarps-th of them. No shared memory. Rows up to 32 * kWidth *
// kPieces.
template <int kWidth, int kPieces, class Input>
__global__ void __launch_bounds__(32 * kNormWarps, kPieces <= 8 / kWidth ? 4 : 1)
    layer_norm_forward_kernel(std::int64_t rows, unsigned width, Input input, LayerNormForwardAt at) {
  const LaneColumns<kWidth, kPieces> lane{width};
  const std::int64_t first = std::int64_t{blockIdx.x} * kForwardRows + warp_of_thread();
  const std::int64_t end = end_of_block(rows, kForwardRows);
  input.begin();
  typename LaneColumns<kWidth, kPieces>::Values gamma, beta, bias = {};
  if (input.bias != nullptr) lane.load(input.bias, bias);
  lane.load(at.gamma, gamma);
  lane.load(at.beta, beta);
  for (std::int64_t row = first; row < end; row += kNormWarps)
    normalize_row(lane, row, input, at, gamma, beta, bias, [&](int p, const Floats<kWidth>& y) {
      store_floats<kWidth>(at.y + row * width + lane.column(p), y);
    });
}

// put(d, sum over the block's warps of their values d ... d + kWidth - 1). `rows` is shared memory for kNormWarps rows.
template <int kWidth, int kPieces, class Put>
__device__ __forceinline__ void sum_over_warps(const LaneColumns<kWidth, kPieces>& lane,
                                               const Floats<kWidth> (&values)[kPieces],
                                               float (&rows)[kNormWarps][LaneColumns<kWidth, kPieces>::kRowWidth],
                                               const Put& put) {
  constexpr unsigned kThreads = 32 * kNormWarps;
  SIMT_UNROLL
  for (int p = 0; p < kPieces; ++p) store_floats<kWidth>(&rows[warp_of_thread()][lane.column(p)], values[p]);
  __syncthreads();
  SIMT_UNROLL_BY(1)
  for (unsigned d = threadIdx.x * kWidth; d < lane.width; d += kThreads * kWidth) {
    Floats<kWidth> total = load_floats<kWidth>(&rows[0][d]);
    for (int warp = 1; warp < kNormWarps; ++warp) {
      const Floats<kWidth> other = load_floats<kWidth>(&rows[warp][d]);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) total.at[j] += other.at[j];
    }
    put(d, total);
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

// Column sums over the rows of a block from each warp's, then over the blocks of a group, then over the groups, in the
// block that comes last. `rows` is shared memory for kNormWarps rows.
template <int kWidth, int kPieces, int kSums>
__device__ void finish_row_sums(const LaneColumns<kWidth, kPieces>& lane, Floats<kWidth> (&sums)[kSums][kPieces],
                                float (&rows)[kNormWarps][LaneColumns<kWidth, kPieces>::kRowWidth],
                                const LayerNormBackwardAt& at, const PartTree& tree, const ColumnPartials& partials) {
  constexpr unsigned kThreads = 32 * kNormWarps;
  const unsigned width = lane.width;
  for (int i = 0; i < kSums; ++i) {
    __syncthreads();
    sum_over_warps(lane, sums[i], rows, [&](unsigned d, const Floats<kWidth>& total) {
      store_floats<kWidth>(partials.sums + (std::uint64_t{blockIdx.x} * kSums + i) * width + d, total);
    });
  }
  const std::uint64_t columns = std::uint64_t{kSums} * width;
  float* const groups = partials.sums + tree.parts * columns;
  const auto combine = [&](unsigned begin, unsigned end, unsigned group) {
    sum_parts<kWidth, kThreads>(
        partials.sums + begin * columns, end - begin, kSums * width,
        [&](unsigned d, const Floats<kWidth>& sum) { store_floats<kWidth>(groups + group * columns + d, sum); });
  };
  const auto finish = [&](unsigned count) {
    sum_parts<kWidth, kThreads>(groups, count, kSums * width, [&](unsigned d, const Floats<kWidth>& sum) {
      float* to = d < width ? at.dgamma + d : d < 2 * width ? at.dbeta + (d - width) : at.dbias + (d - 2 * width);
      add_floats<kWidth>(to, sum);
    });
  };
  combine_parts(tree, blockIdx.x, partials.arrived, combine, finish);
}

// The gradient of the result, a matrix like it: what is read of memory for kWidth columns of a row, and what it means.
struct RowGradients {
  template <int kWidth>
  static constexpr int kBlocks = 2;  // where a lane has at most eight columns

  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> fetch(const float* dy, unsigned width, std::int64_t row,
                                                  unsigned column) const {
    return load_floats<kWidth>(dy + row * width + column);
  }
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> value(const Floats<kWidth>& fetched) const {
    return fetched;
  }
};

// A row of the backward pass.
template <int kWidth, int kPieces, class Input>
struct FetchedGradient {
  FetchedRow<kWidth, kPieces, Input> x;
  Floats<kWidth> dy[kPieces] = {};
  float center = 0;
  float scale = 0;

  template <class Above>
  __device__ __forceinline__ void fetch(const LaneColumns<kWidth, kPieces>& lane, const Input& input,
                                        const Above& above, const LayerNormBackwardAt& at, std::int64_t row) {
    center = at.mean[row];
    scale = at.rstd[row];
    x.fetch(lane, input, row);
    SIMT_UNROLL
    for (int p = 0; p < kPieces; ++p)
      if (lane.has(p)) dy[p] = above.template fetch<kWidth>(at.dy, lane.width, row, lane.column(p));
  }
};

// Gradient and sums of one row. A lane's values of x become normalized ones, those of dy are multiplied by gamma.
template <int kWidth, int kPieces, int kSums, class Input, class Output>
__device__ __forceinline__ void treat_row(const LaneColumns<kWidth, kPieces>& lane, std::int64_t row,
                                          const FetchedGradient<kWidth, kPieces, Input>& fetched, const Input& input,
                                          const Output& output, const Floats<kWidth> (&gamma)[kPieces],
                                          const Floats<kWidth> (&bias)[kPieces],
                                          Floats<kWidth> (&sums)[kSums][kPieces]) {
  Floats<kWidth> x[kPieces] = {};
  Floats<kWidth> dy[kPieces] = {};
  unsigned kept[kPieces] = {};
  SIMT_UNROLL
  for (int p = 0; p < kPieces; ++p) {
    if (!lane.has(p)) continue;
    x[p] = input.value(row, lane.column(p), fetched.x.input[p], bias[p], kept[p]);
    dy[p] = output.above.value(fetched.dy[p]);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      x[p].at[j] = (x[p].at[j] - fetched.center) * fetched.scale;  // normalized
      sums[0][p].at[j] += dy[p].at[j] * x[p].at[j];
      sums[1][p].at[j] += dy[p].at[j];
      dy[p].at[j] *= gamma[p].at[j];
    }
  }
  float totals[2];
  lane.sum_two([&](int p, int j) { return dy[p].at[j]; }, [&](int p, int j) { return dy[p].at[j] * x[p].at[j]; },
               totals);
  const float sum = totals[0] / static_cast<float>(lane.width);
  const float product = totals[1] / static_cast<float>(lane.width);
  SIMT_UNROLL
  for (int p = 0; p < kPieces; ++p) {
    if (!lane.has(p)) continue;
    Floats<kWidth> gradient;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) gradient.at[j] = fetched.scale * (dy[p].at[j] - (sum + x[p].at[j] * product));
    gradient = output.store(row, lane.column(p), gradient, kept[p]);
    if constexpr (kSums == 3) {
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) sums[2][p].at[j] += gradient.at[j];
    }
  }
}

// That a multiprocessor shall hold.
template <int kWidth, int kPieces, class Output>
inline constexpr int kBackwardBlocks = kPieces <= 8 / kWidth ? decltype(Output::above)::template kBlocks<kWidth> : 1;

// The gradient of the input and the sums over rows, in one pass. While a row is treated, the next one is on its way.
// One block: kBackwardRows rows; one warp: every kNormWarps-th of them. Shared memory: kNormWarps rows. Rows up to 32 *
// kWidth * kPieces.
template <int kWidth, int kPieces, int kSums, class Input, class Output>
__global__ void __launch_bounds__(32 * kNormWarps, kBackwardBlocks<kWidth, kPieces, Output>)
    layer_norm_backward_kernel(std::int64_t rows, unsigned width, Input input, Output output, LayerNormBackwardAt at,
                               PartTree tree, ColumnPartials partials) {
  using Lane = LaneColumns<kWidth, kPieces>;
  constexpr bool kAhead = kWidth * kPieces <= 16;  // Longer rows leave no registers for the next one.
  SIMT_SHARED(float, row_sums, [kNormWarps][Lane::kRowWidth]);
  const Lane lane{width};
  const std::int64_t first = std::int64_t{blockIdx.x} * kBackwardRows + warp_of_thread();
  const std::int64_t end = end_of_block(rows, kBackwardRows);
  FetchedGradient<kWidth, kPieces, Input> next;
  if (kAhead && first < end) next.fetch(lane, input, output.above, at, first);  // whole warps
  input.begin();
  output.begin();
  typename Lane::Values gamma, bias = {};
  if (input.bias != nullptr) lane.load(input.bias, bias);
  lane.load(at.gamma, gamma);
  Floats<kWidth> sums[kSums][kPieces] = {};
  for (std::int64_t row = first; row < end; row += kNormWarps) {
    if (!kAhead) next.fetch(lane, input, output.above, at, row);
    const FetchedGradient<kWidth, kPieces, Input> now = next;
    if (kAhead && row + kNormWarps < end) next.fetch(lane, input, output.above, at, row + kNormWarps);
    treat_row<kWidth, kPieces, kSums>(lane, row, now, input, output, gamma, bias, sums);
  }
  finish_row_sums<kWidth, kPieces, kSums>(lane, sums, row_sums, at, tree, partials);
}

// A matrix as input, and as its gradient.
struct MatrixInput {
  static constexpr const float* bias = nullptr;
  template <int kWidth>
  using Fetched = Floats<kWidth>;
  const float* x;
  unsigned width;
  __device__ __forceinline__ void begin() const {}
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> fetch(std::int64_t row, unsigned column) const {
    return load_floats<kWidth>(x + row * width + column);
  }
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> value(std::int64_t, unsigned, const Floats<kWidth>& fetched,
                                                  const Floats<kWidth>&, unsigned&) const {
    return fetched;
  }
};
struct MatrixOutput {
  float* dx;
  unsigned width;
  RowGradients above = {};

  __device__ __forceinline__ void begin() const {}
  template <int kWidth>
  __device__ __forceinline__ Floats<kWidth> store(std::int64_t row, unsigned column, const Floats<kWidth>& gradient,
                                                  unsigned) const {
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
  const PartTree tree = part_tree(blocks);
  const ColumnPartials partials = column_partials(stream, std::int64_t{blocks} + tree.groups(), kSums, s.width);
  const auto launch = [&](auto width, auto pieces) {
    simt::launch<layer_norm_backward_kernel<width(), pieces(), kSums, Input, Output>>(
        dim3(blocks), dim3(32 * kNormWarps), 0, stream, s.rows, static_cast<unsigned>(s.width), input, output, at, tree,
        partials);
  };
  return with_row_in_registers<kSums>(s.width, launch, at.gamma, at.dy, at.dgamma, at.dbeta, at.dbias, addresses...);
}

}  // namespace cardiograd::kernels
