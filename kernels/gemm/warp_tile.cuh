// The part of a matrix product that one warp keeps in registers: 32 rows x 64 columns of C += A B, from operands in
// shared memory. Two kinds with the same interface, so that a kernel is written once for all precisions:
//
//   ExactTile          FFMA; a thread has 8 x 8 sums and loads 4 values at once. fmaf: equal bits in every kernel
//   Tf32Tile           tensor cores, m16n8k8; A and B must hold values rounded to tf32
//   Bf16Tile           tensor cores, m16n8k16; rounds where it packs two values into a word
//
// B lies as [depth][column] with kPitchB floats per depth, or turned, as [place][depth] with pitch_a(kDepth) floats per
// place (multiply_turned). A lies either as [row][depth] with pitch_a(kDepth) floats per row (multiply_rows), or as
// [depth][row] with pitch_columns(rows) floats per depth (multiply_columns). The pitches are such that no access has a
// bank conflict. for_each4 visits the sums as four neighboring columns of a row, 16 bytes; a whole warp calls it.
//
// Which sum is whose is a matter of lanes, and differs between the two layouts of A:
//
//   ExactTile, lane = 8 ty + tx      rows ty, ty + 4, ... ty + 28   ([depth][row]: 4 ty ... 4 ty + 3 and 16 more)
//                                    columns 4 tx ... 4 tx + 3, and 32 more
//   MmaTile, lane = 8 q + r          row r of each 8                (bf16, [depth][row]: 2 r, 2 r + 1 of each 16)
//                                    columns 4 q ... 4 q + 3 of each 16
//
// The rows and columns of an mma may be any, and are chosen for what a load finds side by side: an operand of an mma is
// in neighboring registers, and what loads put elsewhere has to be moved, which cost more instructions than the
// products themselves.
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

  // A lane has kSlots times four neighboring columns.
  static constexpr int kSlots = 2;
  // A lane has the columns of those whose number differs in these bits alone.
  static constexpr int kOthersFrom = 8;
  static constexpr int kOthersTo = 32;
  __device__ __forceinline__ static int first_of_slot(int slot) { return lane_of_thread() % 8 * 4 + 32 * slot; }

  // visit(row, slot, float4) for the lane's sums; row within the warp's tile.
  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ void for_each_slot(Visit&& visit) const {
    SIMT_UNROLL
    for (int i = 0; i < 8; ++i) {
      SIMT_UNROLL
      for (int j = 0; j < 8; j += 4)
        visit(row_of<kLayout>(i), j / 4, make_float4(sum_[i][j], sum_[i][j + 1], sum_[i][j + 2], sum_[i][j + 3]));
    }
  }
  // visit(row, column) in the same order, without the sums.
  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ static void for_each_place(Visit&& visit) {
    SIMT_UNROLL
    for (int i = 0; i < 8; ++i) {
      SIMT_UNROLL
      for (int j = 0; j < 2; ++j) visit(row_of<kLayout>(i), first_of_slot(j));
    }
  }
  // visit(row, column, float4); row and column within the warp's tile.
  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ void for_each4(Visit&& visit) const {
    for_each_slot<kLayout>([&](int row, int slot, float4 sum) { visit(row, first_of_slot(slot), sum); });
  }

 private:
  template <LayoutA kLayout>
  __device__ __forceinline__ static int row_of(int i) {
    const int ty = lane_of_thread() / 8;
    return kLayout == LayoutA::kRows ? ty + 4 * i : 4 * ty + i % 4 + i / 4 * 16;
  }
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

// The products are those of C turned, so that the columns of C are the rows of an mma: B, as it lies, then gives the
// two rows g and g + 8 of the mma's left operand in one load.
template <Precision kMode>
class MmaTile {
 public:
  static constexpr Precision kPrecision = kMode;
  static constexpr bool kIsTf32 = kMode == Precision::kTf32;
  static constexpr int kPitchB = kWarpTileColumns + (kIsTf32 ? 8 : 4);
  static constexpr int kRowsApart = kIsTf32 ? 4 : 2;  // rows of 16 floats that are 16 banks apart
  __host__ __device__ static constexpr int pitch_a(int depth) { return depth + (kIsTf32 ? 4 : 8); }
  __host__ __device__ static constexpr int pitch_columns(int rows) { return rows + (kIsTf32 ? 8 : 4); }
  static constexpr int kStep = kIsTf32 ? 8 : 16;  // depth of one mma

  // Per mma of depth: 4 x 4 products of the warp.
  template <int kDepth>
  __device__ __forceinline__ void multiply_rows(const float* a, const float* b) {
    a += row_of_matrices<kDepth>();
    b += lane_of_thread() % 4 * kLaneDepth * kPitchB + lane_of_thread() / 4 * 2;
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += kStep) {
      simt::FragmentB rows[4];
      load_rows<kDepth>(a + d, rows);
      multiply(b + d * kPitchB, rows);
    }
  }

  // As multiply_rows, of a turned B: place p of it holds column column_of_place(p).
  template <int kDepth>
  __device__ __forceinline__ void multiply_turned(const float* a, const float* b) {
    constexpr int kPitch = pitch_a(kDepth);
    const int lane = lane_of_thread();
    a += row_of_matrices<kDepth>();
    b += kIsTf32 ? lane % 16 * kPitch + lane / 16 * 4 : lane / 4 * kPitch + 2 * (lane % 4);
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += kStep) {
      simt::FragmentB rows[4];
      load_rows<kDepth>(a + d, rows);
      SIMT_UNROLL
      for (int i = 0; i < 4; ++i) {
        const float* upper = b + 16 * i * kPitch + d;
        simt::FragmentA columns;
        if constexpr (kIsTf32) {
          simt::load_matrices(columns, upper);
        } else {
          const float* lower = upper + 8 * kPitch;
          columns = {{pack(simt::load2(upper)), pack(simt::load2(lower)), pack(simt::load2(upper + 8)),
                      pack(simt::load2(lower + 8))}};
        }
        products(i, columns, rows);
      }
    }
  }
  __device__ __forceinline__ static int column_of_place(int place) {
    return place / 16 * 16 + place % 8 * 2 + place / 8 % 2;
  }

  template <int kDepth, int kRows>
  __device__ __forceinline__ void multiply_columns(const float* a, const float* b) {
    constexpr int kPitch = pitch_columns(kRows);
    a += lane_of_thread() % 4 * kLaneDepth * kPitch + lane_of_thread() / 4 * (kIsTf32 ? 1 : 2);
    b += lane_of_thread() % 4 * kLaneDepth * kPitchB + lane_of_thread() / 4 * 2;
    SIMT_UNROLL
    for (int d = 0; d < kDepth; d += kStep) {
      simt::FragmentB rows[4];
      const float* const from = a + d * kPitch;
      if constexpr (kIsTf32) {  // Row g of an mma: row g of eight.
        SIMT_UNROLL
        for (int j = 0; j < 4; ++j)
          rows[j] = {{__float_as_uint(from[8 * j]), __float_as_uint(from[4 * kPitch + 8 * j])}};
      } else {  // Of two, rows 2 g and 2 g + 1 of sixteen.
        SIMT_UNROLL
        for (int j = 0; j < 4; j += 2) {
          load_neighbors(from + 8 * j, kPitch, rows[j].word[0], rows[j + 1].word[0]);
          load_neighbors(from + 8 * kPitch + 8 * j, kPitch, rows[j].word[1], rows[j + 1].word[1]);
        }
      }
      multiply(b + d * kPitchB, rows);
    }
  }

  static constexpr int kSlots = 4;
  // A lane has the columns of those whose number differs in these bits alone.
  static constexpr int kOthersFrom = 1;
  static constexpr int kOthersTo = 8;
  __device__ __forceinline__ static int first_of_slot(int slot) { return 16 * slot + lane_of_thread() / 8 * 4; }

  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ void for_each_slot(Visit&& visit) const {
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) {
      SIMT_UNROLL
      for (int i = 0; i < 4; ++i) visit(row_of<kLayout>(j), i, neighbors(sum_[i][j]));
    }
  }
  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ static void for_each_place(Visit&& visit) {
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) {
      SIMT_UNROLL
      for (int i = 0; i < 4; ++i) visit(row_of<kLayout>(j), first_of_slot(i));
    }
  }
  template <LayoutA kLayout, class Visit>
  __device__ __forceinline__ void for_each4(Visit&& visit) const {
    for_each_slot<kLayout>([&](int row, int slot, float4 sum) { visit(row, first_of_slot(slot), sum); });
  }

 private:
  __device__ __forceinline__ static std::uint32_t pack(const float2& two) { return simt::pack_bf16(two.x, two.y); }
  // Two neighbors of a row of floats as operands; in bf16, with those of the next row, `pitch` floats on.
  __device__ __forceinline__ static void load_neighbors(const float* from, int pitch, std::uint32_t& first,
                                                        std::uint32_t& second) {
    const float2 low = simt::load2(from);
    if constexpr (kIsTf32) {
      first = __float_as_uint(low.x);
      second = __float_as_uint(low.y);
    } else {
      const float2 high = simt::load2(from + pitch);
      first = simt::pack_bf16(low.x, high.x);
      second = simt::pack_bf16(low.y, high.y);
    }
  }
  // Where a lane's address for load_rows is, in floats from that of the warp's first row.
  template <int kDepth>
  __device__ __forceinline__ static int row_of_matrices() {
    const int lane = lane_of_thread();
    if constexpr (kIsTf32) return (lane % 8 + lane / 16 * 8) * pitch_a(kDepth) + lane / 8 % 2 * 4;
    return lane / 4 * pitch_a(kDepth) + 2 * (lane % 4);
  }
  // 4 x 8 rows of A as right operands.
  template <int kDepth>
  __device__ __forceinline__ static void load_rows(const float* a, simt::FragmentB (&rows)[4]) {
    constexpr int kPitch = pitch_a(kDepth);
    if constexpr (kIsTf32) {
      SIMT_UNROLL
      for (int j = 0; j < 4; j += 2) {
        simt::FragmentA two;
        simt::load_matrices(two, a + 8 * j * kPitch);
        rows[j] = {{two.word[0], two.word[1]}};
        rows[j + 1] = {{two.word[2], two.word[3]}};
      }
    } else {
      SIMT_UNROLL
      for (int j = 0; j < 4; ++j) {
        const float* row = a + 8 * j * kPitch;
        rows[j] = {{pack(simt::load2(row)), pack(simt::load2(row + 8))}};
      }
    }
  }
  // Columns g and g + 8 of an mma: 2 g and 2 g + 1 of B.
  __device__ __forceinline__ void multiply(const float* b, const simt::FragmentB (&rows)[4]) {
    SIMT_UNROLL
    for (int i = 0; i < 4; ++i) {
      simt::FragmentA columns;
      load_neighbors(b + 16 * i, kPitchB, columns.word[0], columns.word[1]);
      load_neighbors(b + 16 * i + kStep / 2 * kPitchB, kPitchB, columns.word[2], columns.word[3]);
      products(i, columns, rows);
    }
  }
  __device__ __forceinline__ void products(int i, const simt::FragmentA& columns, const simt::FragmentB (&rows)[4]) {
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) {
      if constexpr (kIsTf32)
        simt::mma_tf32(sum_[i][j], columns, rows[j]);
      else
        simt::mma_bf16(sum_[i][j], columns, rows[j]);
    }
  }

  // An mma gives a lane two columns of two rows. Lanes of even and odd g trade: a lane then has four columns of one
  // row.
  __device__ __forceinline__ static bool is_odd() { return lane_of_thread() / 4 % 2 != 0; }
  template <LayoutA kLayout>
  __device__ __forceinline__ static int row_of(int j) {
    const int row = lane_of_thread() % 4 * 2 + (is_odd() ? 1 : 0);
    return kIsTf32 || kLayout == LayoutA::kRows ? 8 * j + row : j / 2 * 16 + 2 * row + j % 2;
  }
  __device__ __forceinline__ static float4 neighbors(const simt::FragmentC& c) {
    const bool odd = is_odd();
    const float first = __shfl_xor_sync(0xFFFFFFFFU, odd ? c.value[0] : c.value[1], 4);
    const float second = __shfl_xor_sync(0xFFFFFFFFU, odd ? c.value[2] : c.value[3], 4);
    return odd ? make_float4(first, second, c.value[1], c.value[3])
               : make_float4(c.value[0], c.value[2], first, second);
  }

  // Depth that a word of a lane begins at: lane % 4 in tf32, and twice that in bf16, which has two in a word.
  static constexpr int kLaneDepth = kIsTf32 ? 1 : 2;

  simt::FragmentC sum_[4][4] = {};  // 16 columns x 8 rows each
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
