// The part of a matrix product that one warp keeps in registers: 32 rows x 64 columns of C += A B, from operands in
// shared memory. Two kinds with the same interface, so that a kernel is written once for all precisions:
//
//   ExactTile          FFMA; a thread has 8 x 8 sums and loads 4 values at once. fmaf: equal bits in every kernel
//   Tf32Tile           tensor cores, m16n8k8; A and B must hold values rounded to tf32
//   Bf16Tile           tensor cores, m16n8k16; rounds where it packs two values into a word
//
// B lies as [depth][column] with kPitchB floats per depth, or turned, as [place][depth] with pitch_a(kDepth) floats per
// place (multiply_turned). A lies either as [row][depth] with pitch_a(kDepth) floats
// per row (multiply_rows), or as [depth][row] with pitch_columns(rows) floats per depth (multiply_columns). The pitches
// are such that no access has a bank conflict. for_each4 visits the sums as four neighboring columns of a row, 16
// bytes.
//
// Which sum is whose is a matter of lanes, and differs between the two layouts of A:
//
//   ExactTile, lane = 8 ty + tx      rows ty, ty + 4, ... ty + 28   ([depth][row]: 4 ty ... 4 ty + 3 and 16 more)
//                                    columns 4 tx ... 4 tx + 3, and 32 more
//   MmaTile, lane = 4 g + t          rows g, g + 8 of each 16       ([depth][row]: 2 g, 2 g + 1)
//                                    columns 4 t ... 4 t + 3 of each 16
//
// An mma adds up over its depth in any order, as long as A and B agree, and its rows and columns may be any. That is
// used to give a lane neighbors: index t and t + 4 of the depth are 2 t and 2 t + 1 in memory, so that A comes with
// 8-byte loads; columns n of two products side by side are 2 n and 2 n + 1, so that B does, and C goes out in 16 bytes.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/grid.cuh"
#include "simt/mma.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kWarpTileRows = 32;
inline constexpr int kWarpTileColumns = 64;

// How A lies in shared memory.
enum class LayoutA { kRows, kColumns };

class ExactTile {
 public:
  static constexpr Precision kPrecision = Precision::kFp32;
  static constexpr int kPitchB = kWarpTileColumns;
  static constexpr int kRowsApart = 4;  // rows of 16 floats that are 16 banks apart
  __host__ __device__ static constexpr int pitch_a(int depth) { return depth % 8 == 4 ? depth : depth + 4; }
  __host__ __device__ static constexpr int pitch_columns(int rows) { return rows; }

  // Per 4 of depth: 16 loads of 16 bytes, 256 FFMA.
  template <int kDepth>
  __device__ __forceinline__ void multiply_rows(const float* a, const float* b) {
    a += lane_of_thread() / 8 * pitch_a(kDepth);
    b += lane_of_thread() % 8 * 4;
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += 4) {
      float left[8][4];
      SIMT_UNROLL
      for (int i = 0; i < 8; ++i) put(left[i], simt::load4(a + 4 * i * pitch_a(kDepth) + d));
      SIMT_UNROLL
      for (int e = 0; e < 4; ++e) {
        float right[8];
        load_b(b + (d + e) * kPitchB, right);
        SIMT_UNROLL
        for (int i = 0; i < 8; ++i) add(i, left[i][e], right);
      }
    }
  }

  // Per 1 of depth: 4 loads of 16 bytes, 64 FFMA.
  template <int kDepth, int kRows>
  __device__ __forceinline__ void multiply_columns(const float* a, const float* b) {
    a += lane_of_thread() / 8 * 4;
    b += lane_of_thread() % 8 * 4;
    SIMT_UNROLL
    for (int d = 0; d < kDepth; ++d) {
      float left[8];
      float right[8];
      put(left, simt::load4(a + d * pitch_columns(kRows)));
      put(left + 4, simt::load4(a + d * pitch_columns(kRows) + 16));
      load_b(b + d * kPitchB, right);
      SIMT_UNROLL
      for (int i = 0; i < 8; ++i) add(i, left[i], right);
    }
  }

  // As multiply_rows, of a turned B: place p of it holds column column_of_place(p). Per 4 of depth: 16 loads of 16
  // bytes, 256 FFMA.
  template <int kDepth>
  __device__ __forceinline__ void multiply_turned(const float* a, const float* b) {
    a += lane_of_thread() / 8 * pitch_a(kDepth);
    b += lane_of_thread() % 8 * pitch_a(kDepth);
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += 4) {
      float right[8][4];
      SIMT_UNROLL
      for (int j = 0; j < 8; ++j) put(right[j], simt::load4(b + 8 * j * pitch_a(kDepth) + d));
      SIMT_UNROLL
      for (int i = 0; i < 8; ++i) {
        float left[4];
        put(left, simt::load4(a + 4 * i * pitch_a(kDepth) + d));
        SIMT_UNROLL
        for (int e = 0; e < 4; ++e) {
          SIMT_UNROLL
          for (int j = 0; j < 8; ++j) sum_[i][j] = fmaf(left[e], right[j][e], sum_[i][j]);
        }
      }
    }
  }
  __device__ __forceinline__ static int column_of_place(int place) {
    return place % 8 * 4 + place / 8 % 4 + place / 32 * 32;
  }

  // visit(row, column, float4) for the lane's sums; row and column within the warp's tile.
  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ void for_each4(Visit&& visit) const {
    const int ty = lane_of_thread() / 8;
    const int tx = lane_of_thread() % 8;
    SIMT_UNROLL
    for (int i = 0; i < 8; ++i) {
      const int row = kLayout == LayoutA::kRows ? ty + 4 * i : 4 * ty + i % 4 + i / 4 * 16;
      SIMT_UNROLL
      for (int j = 0; j < 8; j += 4)
        visit(row, 4 * tx + 8 * j, make_float4(sum_[i][j], sum_[i][j + 1], sum_[i][j + 2], sum_[i][j + 3]));
    }
  }

 private:
  __device__ __forceinline__ static void put(float* to, const float4& four) {
    to[0] = four.x;
    to[1] = four.y;
    to[2] = four.z;
    to[3] = four.w;
  }
  __device__ __forceinline__ static void load_b(const float* b, float* right) {
    put(right, simt::load4(b));
    put(right + 4, simt::load4(b + 32));
  }
  __device__ __forceinline__ void add(int i, float left, const float* right) {
    SIMT_UNROLL
    for (int j = 0; j < 8; ++j) sum_[i][j] = fmaf(left, right[j], sum_[i][j]);
  }

  float sum_[8][8] = {};
};

template <Precision kMode>
class MmaTile {
 public:
  static constexpr Precision kPrecision = kMode;
  static constexpr int kPitchB = kWarpTileColumns + 4;
  static constexpr int kRowsApart = 2;  // rows of 16 floats that are 16 banks apart
  __host__ __device__ static constexpr int pitch_a(int depth) { return depth + 8; }
  __host__ __device__ static constexpr int pitch_columns(int rows) { return rows + 4; }
  static constexpr int kStep = kMode == Precision::kTf32 ? 8 : 16;  // depth of one mma

  // Per mma of depth: 2 x 8 products of the warp.
  template <int kDepth>
  __device__ __forceinline__ void multiply_rows(const float* a, const float* b) {
    const int t = lane_of_thread() % 4;
    a += lane_of_thread() / 4 * pitch_a(kDepth) + 2 * t;
    b += 2 * t * kPitchB + lane_of_thread() / 4 * 2;
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += kStep) {
      simt::FragmentA left[2];
      load_rows<kDepth>(a + d, left);
      multiply(left, b + d * kPitchB);
    }
  }

  // As multiply_rows, of a turned B: place p of it holds column column_of_place(p).
  template <int kDepth>
  __device__ __forceinline__ void multiply_turned(const float* a, const float* b) {
    const int t = lane_of_thread() % 4;
    a += lane_of_thread() / 4 * pitch_a(kDepth) + 2 * t;
    b += lane_of_thread() / 4 * pitch_a(kDepth) + 2 * t;
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += kStep) {
      simt::FragmentA left[2];
      load_rows<kDepth>(a + d, left);
      SIMT_UNROLL
      for (int j = 0; j < 8; ++j) {
        const float* column = b + 8 * j * pitch_a(kDepth) + d;
        simt::FragmentB right;
        if constexpr (kMode == Precision::kTf32) {
          put_tf32(simt::load2(column), right.word[0], right.word[1]);
        } else {
          right.word[0] = pack(simt::load2(column));
          right.word[1] = pack(simt::load2(column + 8));
        }
        SIMT_UNROLL
        for (int i = 0; i < 2; ++i) product(sum_[i][j], left[i], right);
      }
    }
  }
  __device__ __forceinline__ static int column_of_place(int place) {
    return place / 16 * 16 + place % 8 * 2 + place / 8 % 2;
  }

  template <int kDepth, int kRows>
  __device__ __forceinline__ void multiply_columns(const float* a, const float* b) {
    constexpr int kPitch = pitch_columns(kRows);
    const int t = lane_of_thread() % 4;
    a += 2 * t * kPitch + lane_of_thread() / 4 * 2;
    b += 2 * t * kPitchB + lane_of_thread() / 4 * 2;
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += kStep) {
      simt::FragmentA left[2];
      SIMT_UNROLL
      for (int i = 0; i < 2; ++i) {
        const float* from = a + d * kPitch + 16 * i;
        if constexpr (kMode == Precision::kTf32) {
          put_tf32(simt::load2(from), left[i].word[0], left[i].word[1]);
          put_tf32(simt::load2(from + kPitch), left[i].word[2], left[i].word[3]);
        } else {
          pack_pairs(from, kPitch, left[i].word[0], left[i].word[1]);
          pack_pairs(from + 8 * kPitch, kPitch, left[i].word[2], left[i].word[3]);
        }
      }
      multiply(left, b + d * kPitchB);
    }
  }

  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ void for_each4(Visit&& visit) const {
    const int g = lane_of_thread() / 4;
    const int t = lane_of_thread() % 4;
    SIMT_UNROLL
    for (int i = 0; i < 2; ++i) {
      SIMT_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int row = 16 * i + (kLayout == LayoutA::kRows ? g + 8 * half : 2 * g + half);
        SIMT_UNROLL
        for (int j = 0; j < 8; j += 2) {
          const float* even = sum_[i][j].value + 2 * half;
          const float* odd = sum_[i][j + 1].value + 2 * half;
          visit(row, 8 * j + 4 * t, make_float4(even[0], odd[0], even[1], odd[1]));
        }
      }
    }
  }

 private:
  __device__ __forceinline__ static void put_tf32(const float2& two, std::uint32_t& first, std::uint32_t& second) {
    first = __float_as_uint(two.x);
    second = __float_as_uint(two.y);
  }
  // A lane's part of 2 x 16 rows of A.
  template <int kDepth>
  __device__ __forceinline__ static void load_rows(const float* a, simt::FragmentA (&left)[2]) {
    SIMT_UNROLL
    for (int i = 0; i < 2; ++i) {
      const float* upper = a + 16 * i * pitch_a(kDepth);
      const float* lower = upper + 8 * pitch_a(kDepth);
      if constexpr (kMode == Precision::kTf32) {
        put_tf32(simt::load2(upper), left[i].word[0], left[i].word[2]);
        put_tf32(simt::load2(lower), left[i].word[1], left[i].word[3]);
      } else {
        left[i].word[0] = pack(simt::load2(upper));
        left[i].word[1] = pack(simt::load2(lower));
        left[i].word[2] = pack(simt::load2(upper + 8));
        left[i].word[3] = pack(simt::load2(lower + 8));
      }
    }
  }
  __device__ __forceinline__ static std::uint32_t pack(const float2& two) { return simt::pack_bf16(two.x, two.y); }
  // Two columns of two depths that lie `pitch` apart: a word each.
  __device__ __forceinline__ static void pack_pairs(const float* from, int pitch, std::uint32_t& first,
                                                    std::uint32_t& second) {
    const float2 low = simt::load2(from);
    const float2 high = simt::load2(from + pitch);
    first = simt::pack_bf16(low.x, high.x);
    second = simt::pack_bf16(low.y, high.y);
  }
  __device__ __forceinline__ void multiply(const simt::FragmentA (&left)[2], const float* b) {
    SIMT_UNROLL
    for (int j = 0; j < 8; j += 2) {
      simt::FragmentB even;
      simt::FragmentB odd;
      if constexpr (kMode == Precision::kTf32) {
        put_tf32(simt::load2(b + 8 * j), even.word[0], odd.word[0]);
        put_tf32(simt::load2(b + kPitchB + 8 * j), even.word[1], odd.word[1]);
      } else {
        pack_pairs(b + 8 * j, kPitchB, even.word[0], odd.word[0]);
        pack_pairs(b + 8 * kPitchB + 8 * j, kPitchB, even.word[1], odd.word[1]);
      }
      SIMT_UNROLL
      for (int i = 0; i < 2; ++i) {
        product(sum_[i][j], left[i], even);
        product(sum_[i][j + 1], left[i], odd);
      }
    }
  }
  __device__ __forceinline__ static void product(simt::FragmentC& c, const simt::FragmentA& a,
                                                 const simt::FragmentB& b) {
    if constexpr (kMode == Precision::kTf32)
      simt::mma_tf32(c, a, b);
    else
      simt::mma_bf16(c, a, b);
  }

  simt::FragmentC sum_[2][8] = {};
};

// Names that are the same in the machine code and on the host.
class Tf32Tile : public MmaTile<Precision::kTf32> {};
class Bf16Tile : public MmaTile<Precision::kBf16> {};

// Four values in shared memory as products of Tf32Tile take them. A thread does that to what it has copied
// itself, once the copy is there and before the block's barrier: each value is rounded once, however many warps and
// taps read it.
__device__ __forceinline__ void round_to_tf32_in_place(float* four) {
  const float4 x = simt::load4(four);
  simt::store4(four, make_float4(__uint_as_float(simt::round_to_tf32(x.x)), __uint_as_float(simt::round_to_tf32(x.y)),
                                 __uint_as_float(simt::round_to_tf32(x.z)), __uint_as_float(simt::round_to_tf32(x.w))));
}

}  // namespace cardiograd::kernels
