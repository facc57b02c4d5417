// The product of slab_product.cuh for any stride, dilation, number of groups, size and alignment:
//
//   c[n, t, o] = epilogue( sum over k, d of  a[n, (t * stride + first + k * dilation) / upsample, d] * b[k, d, o] )
//
// where a is 0 outside a record and where the division leaves a rest. Upsampling is what the gradient of a convolution
// with a stride needs.
//
// One block: 128 samples t of one record x 64 columns o, 32 x 64 per warp (ExactTile). Taps and channels are one depth,
// of which a step takes 16. Each thread gathers one place of the depth for 16 samples, word by word, and follows its
// tap and channel from step to step without a division. Shared memory 28 KiB.
#pragma once

#include <cstdint>

#include "kernels/gemm/round_factor.cuh"
#include "kernels/gemm/slab_product.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kGatherDepth = 16;

// The tap and channel of one place of the depth.
struct DepthPlace {
  int tap;
  int channel;
  __device__ __forceinline__ void advance(int taps, int channels, int depth) {
    tap += taps;
    channel += channels;
    if (channel >= depth) {
      channel -= depth;
      ++tap;
    }
  }
};

// The row of a that a position is, in an upsampled a: position = row * upsample + rest, 0 <= rest < upsample.
struct RowPlace {
  int row;
  int rest;
  __device__ __forceinline__ RowPlace(int position, int upsample) : row(position), rest(0) {
    if (upsample == 1) return;
    row = position / upsample;
    rest = position - row * upsample;
    if (rest < 0) {
      rest += upsample;
      --row;
    }
  }
  __device__ __forceinline__ void advance(int rows, int more, int upsample) {
    row += rows;
    rest += more;
    if (rest >= upsample) {
      rest -= upsample;
      ++row;
    }
  }
};

template <bool kUpsampled, bool kRound>
__global__ void __launch_bounds__(kSlabThreads, 3)
    gather_product_kernel(ProductSizes s, ProductOperands p, BiasEpilogue epilogue) {
  using Tile = ExactTile;
  constexpr int kPitchA = Tile::pitch_a(kGatherDepth);
  constexpr int kRowStep = kSlabThreads / kGatherDepth;
  constexpr int kDepthStep = kSlabThreads / kWarpTileColumns;
  SIMT_SHARED(float, rows, [2][kSlabTile * kPitchA]);
  SIMT_SHARED(float, weights, [2][kGatherDepth * Tile::kPitchB]);
  const int thread = static_cast<int>(threadIdx.x);
  const ProductPlace place = product_place(s);
  const int pitch = s.groups * s.depth;
  const float* const __restrict__ record = p.a + std::int64_t{place.record} * s.time_in * pitch + place.group * s.depth;
  const int all = s.taps * s.depth;

  // A: depth `lane`, rows first_row + 8 j; the two rows of a warp are 4 apart, in other banks. B: column thread % 64,
  // depths thread / 64 + 2 j.
  const int lane = thread % kGatherDepth;
  const int first_row = thread / kGatherDepth % 2 * 4 + warp_of_thread();
  DepthPlace mine = {lane / s.depth, lane % s.depth};
  const int step_taps = kGatherDepth / s.depth;
  const int step_channels = kGatherDepth % s.depth;
  const bool column_inside = place.column + thread % kWarpTileColumns < s.columns;
  const float* const __restrict__ weight = p.b + place.group * p.b_group + place.column + thread % kWarpTileColumns;

  const int row_quotient = kUpsampled ? kRowStep / s.upsample : 0;
  const int row_rest = kUpsampled ? kRowStep % s.upsample : 0;

  const auto copy = [&](int depth, float* a, float* b) {
    // Rows follow each other kRowStep apart: one division, for the first of them.
    RowPlace at((place.row + first_row) * s.stride + s.first + mine.tap * s.dilation, kUpsampled ? s.upsample : 1);
    SIMT_UNROLL
    for (int j = 0; j < kSlabTile / kRowStep; ++j) {
      const bool inside =
          depth + lane < all && at.rest == 0 && static_cast<unsigned>(at.row) < static_cast<unsigned>(s.time_in);
      simt::copy_async<4>(a + (first_row + j * kRowStep) * kPitchA + lane,
                          inside ? record + std::int64_t{at.row} * pitch + mine.channel : p.a, inside ? 4 : 0);
      if (kUpsampled)
        at.advance(row_quotient, row_rest, s.upsample);
      else
        at.row += kRowStep * s.stride;
    }
    SIMT_UNROLL
    for (int j = 0; j < kGatherDepth / kDepthStep; ++j) {
      const int d = thread / kWarpTileColumns + j * kDepthStep;
      const bool inside = column_inside && depth + d < all;
      simt::copy_async<4>(b + d * Tile::kPitchB + thread % kWarpTileColumns,
                          inside ? weight + std::int64_t{depth + d} * p.b_pitch : p.b, inside ? 4 : 0);
    }
    simt::commit_async();
    mine.advance(step_taps, step_channels, s.depth);
  };
  const auto round_own = [&](float* a, float* b) {
    for (int row = first_row; row < kSlabTile; row += kRowStep)
      a[row * kPitchA + lane] = round_factor(s.precision, a[row * kPitchA + lane]);
    for (int d = thread / kWarpTileColumns; d < kGatherDepth; d += kDepthStep) {
      float& value = b[d * Tile::kPitchB + thread % kWarpTileColumns];
      value = round_factor(s.precision, value);
    }
  };

  Tile tile;
  copy(0, rows[0], weights[0]);
  int now = 0;
  for (int depth = 0; depth < all; depth += kGatherDepth) {
    simt::wait_async<0>();
    if constexpr (kRound) round_own(rows[now], weights[now]);
    __syncthreads();  // This step's operands are there, and nobody reads those of the step before any more.
    if (depth + kGatherDepth < all) copy(depth + kGatherDepth, rows[1 - now], weights[1 - now]);
    tile.template multiply_rows<kGatherDepth>(rows[now] + warp_of_thread() * kWarpTileRows * kPitchA, weights[now]);
    now = 1 - now;
  }

  const int c_pitch = s.groups * s.columns;
  const int first_column = place.group * s.columns + place.column;
  float* const __restrict__ c = p.c + std::int64_t{place.record} * s.time_out * c_pitch + first_column;
  tile.template for_each4<LayoutA::kRows>([&](int row_of_warp, int column, float4 sum) {
    const int row = place.row + warp_of_thread() * kWarpTileRows + row_of_warp;
    if (row >= s.time_out) return;
    const float sums[4] = {sum.x, sum.y, sum.z, sum.w};
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) {
      if (place.column + column + i >= s.columns) return;
      float value = sums[i];
      if (epilogue.bias != nullptr) value += epilogue.bias[first_column + column + i];
      c[std::int64_t{row} * c_pitch + column + i] = epilogue.relu ? relu_of(value) : value;
    }
  });
}

inline void launch_gather_product(const ProductSizes& s, const ProductOperands& p, const BiasEpilogue& epilogue,
                                  unsigned blocks, cudaStream_t stream) {
  const dim3 grid(blocks);
  const dim3 block(kSlabThreads);
  const bool round = s.precision != Precision::kFp32;
  if (s.upsample == 1 && !round)
    simt::launch<gather_product_kernel<false, false>>(grid, block, 0, stream, s, p, epilogue);
  else if (s.upsample == 1)
    simt::launch<gather_product_kernel<false, true>>(grid, block, 0, stream, s, p, epilogue);
  else if (!round)
    simt::launch<gather_product_kernel<true, false>>(grid, block, 0, stream, s, p, epilogue);
  else
    simt::launch<gather_product_kernel<true, true>>(grid, block, 0, stream, s, p, epilogue);
}

}  // namespace cardiograd::kernels
