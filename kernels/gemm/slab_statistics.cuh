// The product of slab_product.cuh with the mean and variance of every column over all rows of all records: what a batch
// norm behind a convolution needs, without reading c again.
//
// A warp has its 32 x 64 sums in registers: it finds the means of their columns, then the deviations from these and
// their squares, in two passes over the registers. A block merges its four warps through shared memory and leaves one
// part of 128 rows; parts are merged as a tree of two levels (last_block_cuda.cuh), so that the last block reads about
// the root of their number. The bias moves a mean and no deviation: it is added at the end.
//
// Shared memory: that of the product, used again; at least 3 KiB. Beyond the product's instructions per thread: about
// 350.
#pragma once

#include <cstdint>

#include "kernels/common/last_block_cuda.cuh"
#include "kernels/common/moments_cuda.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/gemm/slab_product.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct SlabStatistics {
  float* partial;     // (part, 3, columns): center, offset and squares of the blocks, then those of their groups
  unsigned* arrived;  // tree.counters() per tile of columns
  PartTree tree;      // of the blocks of a tile of columns
  StatisticsOutputs outputs;
};

// Rows of records before part `part`: a block's part is at most kSlabTile rows of one record.
__device__ __forceinline__ std::int64_t rows_before(const ProductSizes& s, unsigned part) {
  const auto tiles = static_cast<unsigned>(s.tiles);
  const int rest = static_cast<int>(part % tiles) * kSlabTile;
  return std::int64_t{part / tiles} * s.time_out + (rest < s.time_out ? rest : s.time_out);
}

// The sums over the lanes that have the same columns, in all of them.
template <class Tile>
__device__ __forceinline__ void sum_columns(float (&sum)[Tile::kSlots][4]) {
  SIMT_UNROLL
  for (int slot = 0; slot < Tile::kSlots; ++slot) {
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) {
      SIMT_UNROLL
      for (int step = Tile::kOthersFrom; step < Tile::kOthersTo; step *= 2)
        sum[slot][j] += __shfl_xor_sync(kAllLanes, sum[slot][j], step);
    }
  }
}

// center, offset and squares of the warp's columns over its first `rows` rows, to `to` (3, kWarpTileColumns).
template <class Tile>
__device__ __forceinline__ void leave_warp_moments(const Tile& tile, int rows, float* to) {
  if (rows <= 0) return;
  const float count = static_cast<float>(rows);
  float pivot[Tile::kSlots][4] = {};
  tile.template for_each_slot<LayoutA::kRows>([&](int row, int slot, const float4& value) {
    const bool inside = row < rows;  // Chosen, not branched on: a warp has rows of both kinds.
    pivot[slot][0] += inside ? value.x : 0.0F;
    pivot[slot][1] += inside ? value.y : 0.0F;
    pivot[slot][2] += inside ? value.z : 0.0F;
    pivot[slot][3] += inside ? value.w : 0.0F;
  });
  sum_columns<Tile>(pivot);
  SIMT_UNROLL
  for (int slot = 0; slot < Tile::kSlots; ++slot) {
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) pivot[slot][j] *= 1.0F / count;
  }
  float sum[Tile::kSlots][4] = {};
  float squares[Tile::kSlots][4] = {};
  tile.template for_each_slot<LayoutA::kRows>([&](int row, int slot, const float4& value) {
    const bool inside = row < rows;
    const float values[4] = {value.x, value.y, value.z, value.w};
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) {
      const float deviation = inside ? values[j] - pivot[slot][j] : 0.0F;
      sum[slot][j] += deviation;
      squares[slot][j] += deviation * deviation;
    }
  });
  sum_columns<Tile>(sum);
  sum_columns<Tile>(squares);
  constexpr int kOthers = Tile::kOthersTo - Tile::kOthersFrom;
  if ((lane_of_thread() & kOthers) != 0) return;
  SIMT_UNROLL
  for (int slot = 0; slot < Tile::kSlots; ++slot) {
    Moments m[4];
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) m[j] = Moments::about(pivot[slot][j], count, sum[slot][j], squares[slot][j]);
    float* const at = to + Tile::first_of_slot(slot);
    simt::store4(at, make_float4(m[0].center, m[1].center, m[2].center, m[3].center));
    simt::store4(at + kWarpTileColumns, make_float4(m[0].offset, m[1].offset, m[2].offset, m[3].offset));
    simt::store4(at + 2 * kWarpTileColumns, make_float4(m[0].squares, m[1].squares, m[2].squares, m[3].squares));
  }
}

// The moments of the block's columns, merged from those of its warps; one column per thread below kWarpTileColumns.
__device__ inline Moments merge_warps(const float* warps, int rows) {
  Moments all;
  const int column = static_cast<int>(threadIdx.x);
  for (int first = 0; first < rows; first += kWarpTileRows, warps += 3 * kWarpTileColumns) {
    const int left = rows - first;
    all.merge({static_cast<float>(left < kWarpTileRows ? left : kWarpTileRows), warps[column],
               warps[kWarpTileColumns + column], warps[2 * kWarpTileColumns + column]});
  }
  return all;
}

// Parts begin ... end-1 of one column merged in order; part i is of `per_part` blocks from i * per_part on.
__device__ inline Moments merge_parts(const ProductSizes& s, const PartTree& tree, const float* parts, int columns,
                                      int column, unsigned begin, unsigned end, unsigned per_part) {
  Moments all;
  std::int64_t before = rows_before(s, begin * per_part);
  SIMT_UNROLL_BY(4)
  for (unsigned part = begin; part < end; ++part) {
    const unsigned next = (part + 1) * per_part;
    const std::int64_t behind = rows_before(s, next < tree.parts ? next : tree.parts);
    const float* const at = parts + std::uint64_t{part} * 3 * columns + column;
    all.merge({static_cast<float>(behind - before), at[0], at[columns], at[2 * columns]});
    before = behind;
  }
  return all;
}

template <class Tile, int kDepth>
__global__ void __launch_bounds__(kSlabThreads, 3)
    slab_statistics_kernel(ProductSizes s, ProductOperands p, const float* bias, SlabStatistics statistics) {
  SIMT_DYNAMIC_SHARED(float, memory);
  float* const shared = held_address(memory);
  const ProductPlace place = product_place(s);
  Tile tile;
  multiply_slabs<Tile, kDepth>(s, p, place, shared, tile);
  store_tile(s, place, tile, BiasEpilogue{bias}, p.c);

  const int left = s.time_out - place.row;
  const int rows = left < kSlabTile ? left : kSlabTile;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int rows_left = rows - warp * kWarpTileRows;
  __syncthreads();  // The operands of the last step are not read any more.
  leave_warp_moments(tile, rows_left < kWarpTileRows ? rows_left : kWarpTileRows, shared + warp * 3 * kWarpTileColumns);
  __syncthreads();

  const int columns = s.groups * s.columns;
  const int column = place.group * s.columns + place.column + static_cast<int>(threadIdx.x);
  const bool leads = threadIdx.x < kWarpTileColumns && place.column + static_cast<int>(threadIdx.x) < s.columns;
  const auto leave = [&](unsigned part, const Moments& m) {
    float* const to = statistics.partial + std::uint64_t{part} * 3 * columns + column;
    to[0] = m.center;
    to[columns] = m.offset;
    to[2 * columns] = m.squares;
  };
  const auto part = static_cast<unsigned>(place.record * s.tiles + place.row / kSlabTile);
  if (leads) leave(part, merge_warps(shared, rows));
  const int tile_of_columns = place.group * s.column_tiles + place.column / kWarpTileColumns;
  const PartTree& tree = statistics.tree;
  const auto combine = [&](unsigned begin, unsigned end, unsigned group) {
    if (leads) leave(tree.parts + group, merge_parts(s, tree, statistics.partial, columns, column, begin, end, 1));
  };
  const auto finish = [&](unsigned groups) {
    if (!leads) return;
    const float* const left_by_groups = statistics.partial + std::uint64_t{tree.parts} * 3 * columns;
    const Moments all = merge_parts(s, tree, left_by_groups, columns, column, 0, groups, tree.fan);
    const float added = bias != nullptr ? bias[column] : 0.0F;
    store_statistics(statistics.outputs, static_cast<unsigned>(column),
                     static_cast<float>(std::int64_t{s.records} * s.time_out), added, all);
  };
  combine_parts(tree, part, statistics.arrived + static_cast<unsigned>(tile_of_columns) * tree.counters(), combine,
                finish);
}

}  // namespace cardiograd::kernels
