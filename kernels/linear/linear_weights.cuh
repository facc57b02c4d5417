// The gradients of a linear layer's weights and bias, for any sizes, in one launch:
//
//   dw[i, o] += sum over r of  x[r, i] * dy[r, o]        db[o] += sum over r of  dy[r, o]
//
// The sum runs over all rows, which are many more than dw has rows or columns: it is cut into pieces, by the shape
// alone. One block: 128 inputs x 64 outputs of one piece; one warp: 32 x 64 of them (warp_tile.cuh). A step is 16 rows,
// whose values come by cp.async into a ring of buffers while steps before are computed; both lie as they are in
// memory, so nothing is transposed. In the blocks of the first inputs each thread also adds up what it has copied of
// dy, before it is rounded.
//
// The blocks of a tile add up their pieces (join_pieces.cuh), and the last to arrive adds the result to dw and db.
// Dynamic shared memory: 12 to 14 KiB for each of `stages` buffers; kWords as in linear_product.cuh.
#pragma once

#include <cstdint>

#include "kernels/gemm/join_pieces.cuh"
#include "kernels/linear/linear_product.cuh"

namespace cardiograd::kernels {

inline constexpr int kWeightRows = 16;  // of a step

struct LinearWeightSizes {
  int rows = 1;
  int inputs = 1;
  int outputs = 1;
  int input_tiles = 1;
  int output_tiles = 1;
  int pieces = 1;
  int per_piece = 1;  // steps
  int stages = kMinStages;
  Precision precision = Precision::kFp32;
};

struct LinearWeightOperands {
  const float* x;
  const float* dy;
  float* dw;
  float* db;  // null: left out
  Pieces pieces;
};

// The chunks of kWords of every step that one thread copies of kWidth channels: the same ones of rows kRowStep apart.
template <class Tile, int kWidth, int kPitch, int kWords>
struct StepCopies {
  static constexpr int kChunks = kWidth / kWords;
  static constexpr int kRowStep = kLinearThreads / kChunks;
  static constexpr int kCopies = kWeightRows / kRowStep;
  static_assert(kLinearThreads % kChunks == 0 && kWeightRows % kRowStep == 0);
  int row;  // of a step, of the first copy
  int channel;
  std::int64_t step;
  const float* from;

  // `left` channels are there; the others are copies of the last.
  __device__ __forceinline__ StepCopies(const float* first, int left, int channels) {
    row = static_cast<int>(threadIdx.x) / kChunks;
    channel = static_cast<int>(threadIdx.x) % kChunks * kWords;
    step = std::int64_t{kRowStep} * channels;
    from = first + std::int64_t{row} * channels + (channel < left ? channel : left - kWords);
  }
  __device__ __forceinline__ void copy(float* to, int rows_left) {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int r = row + i * kRowStep;
      simt::copy_async<4 * kWords>(to + r * kPitch + channel, from, r < rows_left ? 4 * kWords : 0);
      from += step;
    }
  }
  __device__ __forceinline__ float* own(float* tile, int i) const {
    return tile + (row + i * kRowStep) * kPitch + channel;
  }
  __device__ __forceinline__ void round(Precision precision, float* tile) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) round_own<Tile, kWords>(precision, own(tile, i));
  }
  __device__ __forceinline__ void add_own(float* tile, Floats<kWords>& sum) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const Floats<kWords> value = load_floats<kWords>(own(tile, i));
      SIMT_UNROLL
      for (int j = 0; j < kWords; ++j) sum.at[j] += value.at[j];
    }
  }
  // The sum over all threads of column threadIdx.x < kWidth of the tile, in their order. `shared` has kRowStep * kWidth
  // floats that nobody else uses.
  __device__ __forceinline__ float column_sum(const Floats<kWords>& sum, float* shared) const {
    store_floats<kWords>(shared + row * kWidth + channel, sum);
    __syncthreads();
    float total = 0;
    if (static_cast<int>(threadIdx.x) < kWidth) {
      for (int i = 0; i < kRowStep; ++i) total += shared[i * kWidth + static_cast<int>(threadIdx.x)];
    }
    return total;
  }
};

// Where a block stands.
struct LinearWeightPlace {
  int first_input;
  int first_output;
  int tile;
  int piece;
  __device__ __forceinline__ LinearWeightPlace(const LinearWeightSizes& s, int block) {
    const int tiles = s.input_tiles * s.output_tiles;
    tile = block % tiles;
    piece = block / tiles;
    first_output = tile % s.output_tiles * kWarpTileColumns;
    first_input = tile / s.output_tiles * kLinearRows;
  }
};

// dw[i, o ... o + 3] += sum, as far as there are columns.
template <int kWords>
__device__ __forceinline__ void add_to_weights(const LinearWeightSizes& s, float* dw, int input, int output,
                                               const float4& sum) {
  if (input >= s.inputs || output >= s.outputs) return;
  float* const to = dw + std::int64_t{input} * s.outputs + output;
  if constexpr (kWords == 4) {
    add_floats<4>(to, {{sum.x, sum.y, sum.z, sum.w}});
  } else {
    const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j)
      if (output + j < s.outputs) to[j] += sums[j];
  }
}

// Floats of one stage: a step of x, then one of dy.
template <class Tile>
constexpr int kWeightInputFloats = Tile::pitch_columns(kLinearRows) * kWeightRows;
template <class Tile>
constexpr int kWeightOutputFloats = kWeightRows* Tile::kPitchB;
template <class Tile>
constexpr int kWeightFloats = kWeightInputFloats<Tile> + kWeightOutputFloats<Tile>;

// The tile and piece of number `block`, in the block's `shared` of s.stages times kWeightFloats.
template <class Tile, int kWords>
__device__ __forceinline__ void linear_weights(const LinearWeightSizes& s, const LinearWeightOperands& p, int block,
                                               float* shared) {
  constexpr int kPitch = Tile::pitch_columns(kLinearRows);
  const LinearWeightPlace place(s, block);
  const int first_row = place.piece * s.per_piece * kWeightRows;
  StepCopies<Tile, kLinearRows, kPitch, kWords> row_copies(p.x + std::int64_t{first_row} * s.inputs + place.first_input,
                                                           s.inputs - place.first_input, s.inputs);
  StepCopies<Tile, kWarpTileColumns, Tile::kPitchB, kWords> column_copies(
      p.dy + std::int64_t{first_row} * s.outputs + place.first_output, s.outputs - place.first_output, s.outputs);
  const bool sums_bias = p.db != nullptr && place.first_input == 0;
  Floats<kWords> own_bias = {};

  Tile tile;
  const int last_row = first_row + s.per_piece * kWeightRows < s.rows ? first_row + s.per_piece * kWeightRows : s.rows;
  const Ring<Tile> ring(s.stages, kWeightFloats<Tile>);
  // `left` rows, into the buffers at `to`.
  const auto copy_step = [&](int to, int left) {
    if (left > 0) {
      row_copies.copy(shared + to, left);
      column_copies.copy(shared + to + kWeightInputFloats<Tile>, left);
    }
    simt::commit_async();
  };
  for (int i = 0; i + 1 < ring.stages(); ++i)
    copy_step(i * kWeightFloats<Tile>, last_row - first_row - i * kWeightRows);
  int now = 0;
  for (int left = last_row - first_row; left > 0; left -= kWeightRows) {
    ring.wait();
    float* const inputs = shared + now;
    float* const outputs = inputs + kWeightInputFloats<Tile>;
    if (sums_bias) column_copies.add_own(outputs, own_bias);
    if (rounds<Tile, kWords>(s.precision)) {
      row_copies.round(s.precision, inputs);
      column_copies.round(s.precision, outputs);
    }
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    copy_step(ring.before(now), left - (ring.stages() - 1) * kWeightRows);
    tile.template multiply_columns<kWeightRows, kLinearRows>(inputs + warp_of_thread() * kWarpTileRows, outputs);
    now = ring.after(now);
  }

  float bias = 0;
  if (sums_bias) {
    __syncthreads();
    bias = column_copies.column_sum(own_bias, shared);
  }
  float4 sums[kThreadFours];
  int i = 0;
  tile.template for_each4<LayoutA::kColumns>([&](int, int, float4 sum) { sums[i++] = sum; });
  if (!join_pieces<kLinearThreads>(p.pieces, place.piece, place.tile, sums, sums_bias, bias)) return;
  i = 0;
  Tile::template for_each_place<LayoutA::kColumns>([&](int row, int column) {
    add_to_weights<kWords>(s, p.dw, place.first_input + warp_of_thread() * kWarpTileRows + row,
                           place.first_output + column, sums[i++]);
  });
  const int output = place.first_output + static_cast<int>(threadIdx.x);
  if (sums_bias && static_cast<int>(threadIdx.x) < kWarpTileColumns && output < s.outputs) p.db[output] += bias;
}

template <class Tile, int kWords>
__global__ void __launch_bounds__(kLinearThreads, 3)
    linear_weights_kernel(LinearWeightSizes s, LinearWeightOperands p) {
  SIMT_DYNAMIC_SHARED(float, memory);
  float* const shared = held_address(memory);
  linear_weights<Tile, kWords>(s, p, static_cast<int>(blockIdx.x), shared);
}

}  // namespace cardiograd::kernels
