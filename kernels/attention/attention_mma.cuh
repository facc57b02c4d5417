// Tiles of rows in shared memory as tensor cores want them, for attention_mma_*.cu. kMode is kTf32 or kBf16, kWidth the
// head's width rounded up to 32, 64 or 128; g = lane / 4 and t = lane % 4 as in simt/mma.h.
//
// A product may take its depth in any order, if both operands take the same. Here the order is such that a lane's
// operands of two steps of a product lie side by side, 16 bytes in one access, and that accumulators of one product are
// operands of the next where they are:
//
//   depth = components (S = Q K^T)      a lane's two steps have components 4t ... 4t+3 of 16 (tf32), 4t ... 4t+3 and
//                                       16+4t ... 16+4t+3 of 32 (bf16)
//   depth = rows (P V)                  two tiles of eight columns of S are 16 rows of K, of which a lane's columns are
//                                       4t, 4t+1 (first tile) and 4t+2, 4t+3 (second): row_of_column()
//   columns of the result (of P V)      four tiles of eight are 32 components; column g of tile n is component
//                                       4 group_of_column(g) + n, so that 16 bytes are a lane's part of four tiles
//
// A tile is rows of 16-byte groups. tf32: a group is four components of a row; bf16: for depth = components 16 bytes
// are eight components of a row, for depth = rows a group is four components of two rows, pairwise. Groups are permuted
// in their row (swizzled) so that the eight lanes of an access's pass meet all banks once.
#pragma once

#include <cstdint>

#include "kernels/attention/attention_head.cuh"
#include "simt/mma.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

using simt::FragmentA;
using simt::FragmentB;
using simt::FragmentC;

template <Precision kMode>
__device__ inline void multiply(FragmentC& c, const FragmentA& a, const FragmentB& b) {
  if constexpr (kMode == Precision::kBf16)
    simt::mma_bf16(c, a, b);
  else
    simt::mma_tf32(c, a, b);
}

// Row of a tile that is column g of the product's tile 2 j + h.
__device__ inline int row_of_column(int j, int h, int g) {
  return 16 * j + 4 * (g >> 1) + 2 * h + (g & 1);
}
__device__ inline int group_of_column(int g) {
  return (g >> 1) + 4 * (g & 1);
}

// Four words: what a lane has of a row for two steps of a product.
struct MmaWords {
  std::uint32_t word[4];
};
__device__ inline MmaWords load_words(const float* from) {
  const float4 value = simt::load4(from);
  return {{__float_as_uint(value.x), __float_as_uint(value.y), __float_as_uint(value.z), __float_as_uint(value.w)}};
}
__device__ inline FragmentA step_of_rows(const MmaWords& low, const MmaWords& high, int step) {
  return {{low.word[2 * step], high.word[2 * step], low.word[2 * step + 1], high.word[2 * step + 1]}};
}
__device__ inline FragmentB step_of_row(const MmaWords& row, int step) {
  return {{row.word[2 * step], row.word[2 * step + 1]}};
}

template <Precision kMode>
__device__ inline float4 round_words(float4 x) {
  static_assert(kMode == Precision::kTf32);
  return {__uint_as_float(simt::round_to_tf32(x.x)), __uint_as_float(simt::round_to_tf32(x.y)),
          __uint_as_float(simt::round_to_tf32(x.z)), __uint_as_float(simt::round_to_tf32(x.w))};
}
__device__ inline float packed(float low, float high) {
  return __uint_as_float(simt::pack_bf16(low, high));
}

template <Precision kMode, int kWidth>
struct AttentionTile {
  static constexpr bool kPairs = kMode == Precision::kBf16;
  static constexpr int kDepth = kPairs ? 32 : 16;              // components of two steps
  static constexpr int kChunks = kWidth / kDepth;              // of a row
  static constexpr int kPitch = kPairs ? kWidth / 2 : kWidth;  // words of a row, depth = components

  // Where a row begins, depth = components; `odd`: of its number / 2. Rows of 64 bytes fill the banks in twos: the two
  // rows of every second two change places, for writers of rows two apart.
  __device__ static int row_place(int row, int odd) { return row * kPitch ^ (kPitch == 16 ? 16 * odd : 0); }

  // Components of chunk `chunk` of a row in device memory.
  __device__ static MmaWords from_device(const AttentionHead& head, const float* row, int chunk, int t, bool inside) {
    const float4 x = load_components(row, kDepth * chunk + 4 * t, head.width, inside, head.wide);
    if constexpr (kPairs) {
      const float4 y = load_components(row, kDepth * chunk + 16 + 4 * t, head.width, inside, head.wide);
      return {
          {simt::pack_bf16(x.x, x.y), simt::pack_bf16(x.z, x.w), simt::pack_bf16(y.x, y.y), simt::pack_bf16(y.z, y.w)}};
    } else {
      return {{simt::round_to_tf32(x.x), simt::round_to_tf32(x.y), simt::round_to_tf32(x.z), simt::round_to_tf32(x.w)}};
    }
  }

  // Writes components 4 group ... 4 group + 3 of a row: in tf32 for both depths, in bf16 for depth = components.
  __device__ static void store_row(float* tile, int row, int group, float4 x) {
    if constexpr (kPairs) {
      const int place = group / 8 * 4 + group % 4;
      simt::store2(
          tile + row_place(row, row >> 1 & 1) + (place ^ (kPitch > 16 ? (row & 1) << 2 : 0)) * 4 + group / 4 % 2 * 2,
          {packed(x.x, x.y), packed(x.z, x.w)});
    } else {
      simt::store4(tile + row * kPitch + (group ^ ((row >> 2 & 3) | (row & 1) << 2)) * 4, round_words<kMode>(x));
    }
  }

  // Writes components 4 group ... 4 group + 3 of rows 2 pair and 2 pair + 1 in bf16 for depth = rows. kShift: readers'
  // lanes t have pairs that lie 1 << kShift apart.
  template <int kShift>
  __device__ static void store_pair(float* tile, int pair, int group, float4 even, float4 odd) {
    static_assert(kPairs);
    simt::store4(tile + pair * kWidth + (group ^ (pair >> kShift & 3)) * 4,
                 {packed(even.x, odd.x), packed(even.y, odd.y), packed(even.z, odd.z), packed(even.w, odd.w)});
  }

  // What a lane reads of row row_of_column(j, h, g), depth = components.
  __device__ static MmaWords read_row(const float* tile, int j, int h, int chunk, int g, int t) {
    const float* row = tile + row_place(row_of_column(j, h, g), h);
    const int swizzle = kPairs ? (kPitch > 16 ? (g & 1) << 2 : 0) : (g >> 1) | (g & 1) << 2;
    return load_words(row + chunk / 2 * 32 + ((chunk % 2 * 4 + t) ^ swizzle) * 4);
  }

  // out (16 x kWidth) += a times rows: in tf32 rows `unit` and unit + 1, in bf16 pairs of rows of those numbers, where
  // `unit` is what lane t has: a multiple of 1 << kShift (bf16) or of 4 (tf32), plus 4 t or t << kShift, plus `step`.
  template <int kShift>
  __device__ static void add_rows(FragmentC (&out)[kWidth / 8], const FragmentA& a, const float* tile, int unit, int g,
                                  int t) {
    const int even = (group_of_column(g) ^ t) * 4;
    const int odd = kPairs ? even : even ^ 16;
    SIMT_UNROLL
    for (int part = 0; part < kWidth / 32; ++part) {
      const MmaWords first = load_words(tile + unit * kWidth + 32 * part + even);
      const MmaWords second = load_words(tile + (unit + 1) * kWidth + 32 * part + odd);
      SIMT_UNROLL
      for (int n = 0; n < 4; ++n) multiply<kMode>(out[4 * part + n], a, {{first.word[n], second.word[n]}});
    }
  }
};

// Row g (half 0) or g + 8 (half 1) of a product with add_rows(): its components 4 t ... 4 t + 3 and 16 + 4 t ... of
// each 32, times `factor`.
template <int kWidth>
__device__ inline void store_product_row(const AttentionHead& head, const FragmentC (&product)[kWidth / 8], int half,
                                         float factor, int t, float* row) {
  SIMT_UNROLL
  for (int part = 0; part < kWidth / 32; ++part) {
    SIMT_UNROLL
    for (int e = 0; e < 2; ++e) {
      const FragmentC* tiles = product + 4 * part;
      const int i = 2 * half + e;
      store_components(row, 32 * part + 16 * e + 4 * t, head.width, head.wide,
                       {tiles[0].value[i] * factor, tiles[1].value[i] * factor, tiles[2].value[i] * factor,
                        tiles[3].value[i] * factor});
    }
  }
}

// The four values of accumulators of tiles 2 j and 2 j + 1 as an operand of depth = rows: `step` 0 or 1 in tf32.
template <Precision kMode>
__device__ inline FragmentA operand_of(const FragmentC& first, const FragmentC& second, int step) {
  if constexpr (kMode == Precision::kBf16) {
    return {{simt::pack_bf16(first.value[0], first.value[1]), simt::pack_bf16(first.value[2], first.value[3]),
             simt::pack_bf16(second.value[0], second.value[1]), simt::pack_bf16(second.value[2], second.value[3])}};
  } else {
    const FragmentC& c = step == 0 ? first : second;
    return {{simt::round_to_tf32(c.value[0]), simt::round_to_tf32(c.value[2]), simt::round_to_tf32(c.value[1]),
             simt::round_to_tf32(c.value[3])}};
  }
}

}  // namespace cardiograd::kernels
