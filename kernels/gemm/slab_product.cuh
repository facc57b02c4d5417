// The matrix product behind convolutions of stride 1 and linear layers, where rows of operands are 16-byte aligned:
//
//   c[n, t, o] = epilogue( sum over k, d of  a[n, t + first + k * dilation, d] * b[k, d, o] )     a is 0 outside 0 ...
//   T-1
//
// One block: 128 samples t of one record x 64 columns o. Four warps; one warp: 32 x 64 of them (warp_tile.cuh).
// A step is one tap k of one piece of kDepth channels d. Its weights come by cp.async into a ring of buffers while
// steps before are computed. The samples do not come per tap: a slab of 128 + (taps - 1) * dilation of them is copied
// once per piece of channels, into one of two buffers, and tap k reads it from row k * dilation on. One barrier per
// step.
//
// Shared memory, bytes: 2 * (128 + (taps - 1) * dilation) * pitch_a * 4 + stages * kDepth * pitch_b * 4, with two
// stages at most 48 KiB (slab_bytes). Per thread 64 sums; no division but for the block's place.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/error.h"
#include "kernels/gemm/pipeline.cuh"
#include "kernels/gemm/warp_tile.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kSlabThreads = 128;
inline constexpr int kSlabTile = kSlabThreads / 32 * kWarpTileRows;

// Sizes that threads count with in 32 bits. Offsets into tensors are 32 x 32 -> 64-bit products.
struct ProductSizes {
  int records = 1;
  int time_in = 1;   // rows of a record of a
  int time_out = 1;  // rows of a record of c
  int taps = 1;
  int dilation = 1;
  int first = 0;     // row of a that row 0 of c reads at tap 0
  int stride = 1;    // rows of a between rows of c (gather_product.cuh)
  int upsample = 1;  // rows of a are this far apart, with zeros between (gather_product.cuh)
  int groups = 1;
  int depth = 1;         // channels of a group of a
  int columns = 1;       // of a group of c
  int tiles = 1;         // of rows in a record
  int column_tiles = 1;  // of columns in a group
  int stages = kMinStages;
  Precision precision = Precision::kFp32;
};

// Operands of a product. b (tap, depth, column) of a group: rows b_pitch apart, taps b_tap, groups b_group.
struct ProductOperands {
  const float* a;
  const float* b;
  float* c;
  int b_pitch;
  std::int64_t b_tap;
  std::int64_t b_group;
};

// What is added to c, per column of all groups; null for nothing. Then, where asked for, a ReLU.
struct BiasEpilogue {
  const float* bias = nullptr;
  bool relu = false;
};
__device__ __forceinline__ float relu_of(float x) {
  return x <= 0 ? 0 : x;  // NaN stays NaN, as in PyTorch.
}

// Where a block stands. Columns run fastest: blocks side by side in time read the same rows of a.
struct ProductPlace {
  int column;  // of the group
  int group;
  int row;  // of the record
  int record;
};
__device__ __forceinline__ ProductPlace product_place(const ProductSizes& s) {
  int block = static_cast<int>(blockIdx.x);
  ProductPlace place;
  place.column = block % s.column_tiles * kWarpTileColumns;
  block /= s.column_tiles;
  place.group = block % s.groups;
  block /= s.groups;
  place.row = block % s.tiles * kSlabTile;
  place.record = block / s.tiles;
  return place;
}

// The chunks of 16 bytes of every slab that one thread copies, and rounds: the same place in rows that are kRowStep
// apart.
template <class Tile, int kDepth>
struct SlabChunks {
  static constexpr int kChunks = kDepth / 4;  // of a row
  static constexpr int kRowStep = kSlabThreads / kChunks;
  static constexpr int kPitch = Tile::pitch_a(kDepth);
  // Eight threads write at a time, 16 bytes each, in two rows: of those that lie in different banks.
  __device__ __forceinline__ static int row_of(int i) {
    constexpr int kApart = Tile::kRowsApart;
    return kChunks == 4 ? i % 2 * kApart + i / 2 % kApart + i / (2 * kApart) * (2 * kApart) : i;
  }
  int rows;           // of the slab; 0 for threads that are left over
  int row;            // the first of this thread's
  int channel;        // of the piece
  int source;         // row of the record that `row` is
  int time;           // rows of the record
  int pitch;          // floats between them
  const float* from;  // the source of the next slab's first chunk

  __device__ __forceinline__ SlabChunks(const ProductSizes& s, const ProductPlace& place, const float* a) {
    const int thread = static_cast<int>(threadIdx.x);
    rows = thread < kRowStep * kChunks ? kSlabTile + (s.taps - 1) * s.dilation : 0;
    row = row_of(thread / kChunks);
    channel = thread % kChunks * 4;
    source = place.row + s.first + row;
    time = s.time_in;
    pitch = s.groups * s.depth;
    from = a + (std::int64_t{place.record} * time + source) * pitch + place.group * s.depth + channel;
  }
  // Copies the piece that has `depth` channels left, zeros beyond it and outside the record, and goes on to the next.
  __device__ __forceinline__ void copy(float* slab, int depth) {
    const float* chunk = from;
    float* to = slab + row * kPitch + channel;
    int at = source;
    for (int i = row; i < rows; i += kRowStep) {
      const bool inside = static_cast<unsigned>(at) < static_cast<unsigned>(time) && channel < depth;
      simt::copy_async<16>(to, chunk, inside ? 16 : 0);
      chunk += std::int64_t{kRowStep} * pitch;
      to += kRowStep * kPitch;
      at += kRowStep;
    }
    from += kDepth;
  }
  __device__ __forceinline__ void round(float* slab) const {
    for (int i = row; i < rows; i += kRowStep) round_to_tf32_in_place(slab + i * kPitch + channel);
  }
};

// Likewise of the weights of a tap: the same four columns of depths that are kRowStep apart.
template <class Tile, int kDepth>
struct WeightChunks {
  static constexpr int kRowStep = kSlabThreads / (kWarpTileColumns / 4);
  static constexpr int kCopies = (kDepth + kRowStep - 1) / kRowStep;
  static constexpr int kFloats = kDepth * Tile::kPitchB;  // of a tap
  int row;
  int column;  // of the tile
  bool inside;
  std::int64_t row_step;
  std::int64_t tap_step;
  std::int64_t piece_step;  // from the last tap of a piece of channels to the first of the next
  const float* from;

  __device__ __forceinline__ WeightChunks(const ProductSizes& s, const ProductPlace& place, const ProductOperands& p) {
    row = static_cast<int>(threadIdx.x) / (kWarpTileColumns / 4);
    column = static_cast<int>(threadIdx.x) % (kWarpTileColumns / 4) * 4;
    inside = place.column + column < s.columns;
    row_step = std::int64_t{kRowStep} * p.b_pitch;
    tap_step = p.b_tap;
    piece_step = std::int64_t{kDepth} * p.b_pitch - (s.taps - 1) * p.b_tap;
    from = p.b + place.group * p.b_group + std::int64_t{row} * p.b_pitch + place.column + column;
  }
  // Copies the depths of a piece that has `depth` channels left, and goes on to the next tap or piece.
  __device__ __forceinline__ void copy(float* to, int depth, bool last_tap) {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int d = row + i * kRowStep;
      if (kDepth % kRowStep == 0 || d < kDepth)
        simt::copy_async<16>(to + d * Tile::kPitchB + column, from + i * row_step, inside && d < depth ? 16 : 0);
    }
    from += last_tap ? piece_step : tap_step;
  }
  __device__ __forceinline__ void round(float* weights) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) {
      const int d = row + i * kRowStep;
      if (kDepth % kRowStep == 0 || d < kDepth) round_to_tf32_in_place(weights + d * Tile::kPitchB + column);
    }
  }
  __device__ __forceinline__ static void multiply(Tile& tile, const float* rows, const float* weights) {
    tile.template multiply_rows<kDepth>(rows, weights);
  }
};

// Likewise of weights that lie turned, as the gradient of an input takes them: w (taps, columns, groups * depth), the
// taps in reverse order. The same four depths of columns that are kRowStep apart; a column goes to the place of shared
// memory from which the lanes read it without a bank conflict, so that no launch has to transpose anything.
template <class Tile, int kDepth>
struct TurnedChunks {
  static constexpr int kChunks = kDepth / 4;
  static constexpr int kRowStep = kSlabThreads / kChunks;
  static constexpr int kCopies = kWarpTileColumns / kRowStep;
  static constexpr int kPitch = Tile::pitch_a(kDepth);
  static constexpr int kFloats = kWarpTileColumns * kPitch;           // of a tap
  static_assert(kRowStep == 32 && kWarpTileColumns % kRowStep == 0);  // A step of places is one of columns, too.
  int row;                                                            // place of the first copy
  int channel;
  int columns_left;  // from that of the first copy on
  std::int64_t row_step;
  std::int64_t tap_step;
  std::int64_t piece_step;
  const float* from;

  __device__ __forceinline__ TurnedChunks(const ProductSizes& s, const ProductPlace& place, const ProductOperands& p) {
    row = SlabChunks<Tile, kDepth>::row_of(static_cast<int>(threadIdx.x) / kChunks);
    channel = static_cast<int>(threadIdx.x) % kChunks * 4;
    const int column = place.column + Tile::column_of_place(row);
    columns_left = s.columns - column;
    row_step = std::int64_t{kRowStep} * p.b_pitch;
    tap_step = p.b_tap;
    piece_step = kDepth - (s.taps - 1) * p.b_tap;
    from = p.b + place.group * p.b_group + std::int64_t{column} * p.b_pitch + channel;
  }
  __device__ __forceinline__ void copy(float* to, int depth, bool last_tap) {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i)
      simt::copy_async<16>(own(to, i), from + i * row_step, i * kRowStep < columns_left && channel < depth ? 16 : 0);
    from += last_tap ? piece_step : tap_step;
  }
  __device__ __forceinline__ void round(float* weights) const {
    SIMT_UNROLL
    for (int i = 0; i < kCopies; ++i) round_to_tf32_in_place(own(weights, i));
  }
  __device__ __forceinline__ static void multiply(Tile& tile, const float* rows, const float* weights) {
    tile.template multiply_turned<kDepth>(rows, weights);
  }

 private:
  __device__ __forceinline__ float* own(float* weights, int i) const {
    return weights + (row + i * kRowStep) * kPitch + channel;
  }
};

// The block's tile of the product, in registers; `shared` is slab_bytes() large. Weights: WeightChunks or TurnedChunks.
// A slab is on its way for all taps of the one before: s.stages is at most s.taps + 1, so that it has come by then.
template <class Tile, int kDepth, class Weights = WeightChunks<Tile, kDepth>>
__device__ __forceinline__ void multiply_slabs(const ProductSizes& s, const ProductOperands& p,
                                               const ProductPlace& place, float* shared, Tile& tile) {
  constexpr int kPitchA = Tile::pitch_a(kDepth);
  constexpr bool kRounds = Tile::kPrecision == Precision::kTf32;
  const int slab_floats = (kSlabTile + (s.taps - 1) * s.dilation) * kPitchA;
  SlabChunks<Tile, kDepth> slab_chunks(s, place, p.a);
  Weights weight_chunks(s, place, p);
  float* const weights = shared + 2 * slab_floats;
  const Ring<Tile> ring(s.stages, Weights::kFloats);

  int ahead = s.depth;  // channels from the piece on whose weights are copied next
  int tap_ahead = 0;
  const auto copy_weights = [&](int to) {
    const bool last_tap = tap_ahead + 1 == s.taps;
    if (ahead > 0) weight_chunks.copy(weights + to, ahead, last_tap);
    simt::commit_async();
    tap_ahead = last_tap ? 0 : tap_ahead + 1;
    if (last_tap) ahead -= kDepth;
  };
  slab_chunks.copy(shared, s.depth);
  for (int i = 0; i + 1 < ring.stages(); ++i) copy_weights(i * Weights::kFloats);
  int slab = 0;  // where the present buffers begin
  int step = 0;
  for (int depth = s.depth; depth > 0; depth -= kDepth) {  // channels left
    const float* rows = shared + slab + warp_of_thread() * kWarpTileRows * kPitchA;
    for (int tap = 0; tap < s.taps; ++tap) {
      ring.wait();
      if constexpr (kRounds) {
        if (tap == 0) slab_chunks.round(shared + slab);
        weight_chunks.round(weights + step);
      }
      __syncthreads();  // Slab and weights are there, and nobody reads those of the step before any more.
      if (tap == 0 && depth > kDepth) slab_chunks.copy(shared + slab_floats - slab, depth - kDepth);
      copy_weights(ring.before(step));
      Weights::multiply(tile, rows, weights + step);
      rows += s.dilation * kPitchA;
      step = ring.after(step);
    }
    slab = slab_floats - slab;
  }
}

// c of the block's tile, with `epilogue`.
template <class Tile>
__device__ __forceinline__ void store_tile(const ProductSizes& s, const ProductPlace& place, const Tile& tile,
                                           const BiasEpilogue& epilogue, float* product) {
  const int c_pitch = s.groups * s.columns;
  const int first_column = place.group * s.columns + place.column;
  float* const __restrict__ c = product + std::int64_t{place.record} * s.time_out * c_pitch + first_column;
  const float* const __restrict__ bias = epilogue.bias + first_column;
  tile.template for_each4<LayoutA::kRows>([&](int row_of_warp, int column, float4 sum) {
    const int row = place.row + warp_of_thread() * kWarpTileRows + row_of_warp;
    if (row >= s.time_out || place.column + column >= s.columns) return;
    if (epilogue.bias != nullptr) {
      const float4 add = simt::load4(bias + column);
      sum = make_float4(sum.x + add.x, sum.y + add.y, sum.z + add.z, sum.w + add.w);
    }
    if (epilogue.relu) sum = make_float4(relu_of(sum.x), relu_of(sum.y), relu_of(sum.z), relu_of(sum.w));
    simt::store4(c + std::int64_t{row} * c_pitch + column, sum);
  });
}

template <class Tile, int kDepth>
__global__ void __launch_bounds__(kSlabThreads, 3)
    slab_product_kernel(ProductSizes s, ProductOperands p, BiasEpilogue epilogue) {
  SIMT_DYNAMIC_SHARED(float, memory);
  float* const shared = held_address(memory);
  const ProductPlace place = product_place(s);
  Tile tile;
  multiply_slabs<Tile, kDepth>(s, p, place, shared, tile);
  store_tile(s, place, tile, epilogue, p.c);
}

// Blocks on a multiprocessor at once: with three, the exact product's registers do not suffice (ptxas spills).
template <class Tile>
constexpr int kTurnedBlocks = Tile::kPrecision == Precision::kFp32 ? 2 : 3;

// The product with turned weights, without an epilogue.
template <class Tile, int kDepth>
__global__ void __launch_bounds__(kSlabThreads, kTurnedBlocks<Tile>)
    slab_turned_kernel(ProductSizes s, ProductOperands p) {
  SIMT_DYNAMIC_SHARED(float, memory);
  float* const shared = held_address(memory);
  const ProductPlace place = product_place(s);
  Tile tile;
  multiply_slabs<Tile, kDepth, TurnedChunks<Tile, kDepth>>(s, p, place, shared, tile);
  store_tile(s, place, tile, {}, p.c);
}

// Bytes of a stage of weights, and of both slabs.
template <class Tile>
constexpr std::int64_t slab_stage_bytes(int depth, bool turned) {
  return (turned ? kWarpTileColumns * Tile::pitch_a(depth) : depth * Tile::kPitchB) * std::int64_t{sizeof(float)};
}
template <class Tile>
constexpr std::int64_t both_slabs_bytes(std::int64_t taps, std::int64_t dilation, int depth) {
  return 2 * (kSlabTile + (taps - 1) * dilation) * Tile::pitch_a(depth) * std::int64_t{sizeof(float)};
}
// The least dynamic shared memory of a launch.
template <class Tile>
constexpr std::int64_t slab_bytes(std::int64_t taps, std::int64_t dilation, int depth, bool turned = false) {
  return both_slabs_bytes<Tile>(taps, dilation, depth) + kMinStages * slab_stage_bytes<Tile>(depth, turned);
}

// Launches a kernel of multiply_slabs with the stages that the GPU has room for: kKernel(sizes, arguments...).
template <auto kKernel, class Tile, int kDepth, bool kTurned, class... Arguments>
void launch_slabs(ProductSizes s, unsigned blocks, cudaStream_t stream, const Arguments&... arguments) {
  constexpr std::int64_t kStage = slab_stage_bytes<Tile>(kDepth, kTurned);
  const std::int64_t slabs = both_slabs_bytes<Tile>(s.taps, s.dilation, kDepth);
  s.stages = std::min(pipeline_stages<Tile>(kStage, slabs), s.taps + 1);
  launch_with_shared<kKernel>(blocks, kSlabThreads, slabs + s.stages * kStage, stream, s, arguments...);
}

template <class Tile, int kDepth>
void launch_slab_product(const ProductSizes& s, const ProductOperands& p, const BiasEpilogue& epilogue, unsigned blocks,
                         cudaStream_t stream) {
  launch_slabs<slab_product_kernel<Tile, kDepth>, Tile, kDepth, false>(s, blocks, stream, p, epilogue);
}

template <class Tile>
void launch_slab_turned(const ProductSizes& s, const ProductOperands& p, unsigned blocks, cudaStream_t stream) {
  launch_slabs<slab_turned_kernel<Tile, 16>, Tile, 16, true>(s, blocks, stream, p);
}

}  // namespace cardiograd::kernels
