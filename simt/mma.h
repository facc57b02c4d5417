// Products on tensor cores, D = A B + C of one warp, under nvcc and on the host. Include after simt.h.
//
// Fragments, from the PTX ISA, "Matrix multiply-accumulate operation using mma instruction"; g = lane / 4, t = lane %
// 4, index (row, column):
//
//   m16n8k8, tf32     a0 (g, t)        a1 (g + 8, t)      a2 (g, t + 4)          a3 (g + 8, t + 4)
//                     b0 (t, g)        b1 (t + 4, g)
//   m16n8k16, bf16    a0 (g, 2t..)     a1 (g + 8, 2t..)   a2 (g, 2t + 8..)       a3 (g + 8, 2t + 8..)
//                     b0 (2t.., g)     b1 (2t + 8.., g)   two values in a word, the first in the low half
//   both              c0 (g, 2t)       c1 (g, 2t + 1)     c2 (g + 8, 2t)         c3 (g + 8, 2t + 1)
//
// load_matrices is ldmatrix: four matrices of 8 rows of 16 bytes, of which a lane gets word t of row g of each. As rows
// of A of m16n8k8, rows 0-7, rows 8-15, then the same of the next 16 bytes are a0 ... a3; of m16n8k16, too.
//
// The GPU accumulates in its own order and with its own roundings; on the host products are summed in double and
// rounded once. Compute capability 8.0 and newer.
#pragma once

#include <cstdint>

#include "simt/simt.h"

namespace cardiograd::simt {

// A lane's part of a matrix, as the table above says: tf32 or pairs of bf16 of A and B, float of C.
struct FragmentA {
  std::uint32_t word[4];
};
struct FragmentB {
  std::uint32_t word[2];
};
struct FragmentC {
  float value[4];
};

#if defined(__CUDACC__)

// Rounds to tf32: 10 bits of mantissa, to nearest, ties away from zero.
__device__ __forceinline__ std::uint32_t round_to_tf32(float x) {
  std::uint32_t result = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(result) : "f"(x));
#endif
  return result;
}

// Rounds to bf16, to nearest even, `low` in the low half.
__device__ __forceinline__ std::uint32_t pack_bf16(float low, float high) {
  std::uint32_t result = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(high), "f"(low));
#endif
  return result;
}

// `row`: the 16-byte aligned row lane % 8 of matrix lane / 8, in shared memory; word i is of matrix i.
__device__ __forceinline__ void load_matrices(FragmentA& to, const float* row) {
#if __CUDA_ARCH__ >= 750
  const unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(to.word[0]), "=r"(to.word[1]), "=r"(to.word[2]), "=r"(to.word[3])
               : "r"(address)
               : "memory");
#endif
}

// C += A B by the whole warp, of 16 x 8 x 8 (tf32) or 16 x 8 x 16 (bf16).
__device__ __forceinline__ void mma_tf32(FragmentC& c, const FragmentA& a, const FragmentB& b) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c.value[0]), "+f"(c.value[1]), "+f"(c.value[2]), "+f"(c.value[3])
      : "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]), "r"(a.word[3]), "r"(b.word[0]), "r"(b.word[1]));
#endif
}
__device__ __forceinline__ void mma_bf16(FragmentC& c, const FragmentA& a, const FragmentB& b) {
#if __CUDA_ARCH__ >= 800
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3};"
      : "+f"(c.value[0]), "+f"(c.value[1]), "+f"(c.value[2]), "+f"(c.value[3])
      : "r"(a.word[0]), "r"(a.word[1]), "r"(a.word[2]), "r"(a.word[3]), "r"(b.word[0]), "r"(b.word[1]));
#endif
}

#else

// As under nvcc.
std::uint32_t round_to_tf32(float x);
std::uint32_t pack_bf16(float low, float high);
// What load_matrices makes of the lanes' rows.
void exchange_rows(FragmentA& to, const float4& row, const Where& where);
[[gnu::always_inline]] inline void load_matrices(FragmentA& to, const float* row, Where where = Where::current()) {
  exchange_rows(to, load4(row, where), where);
}
// Throws Fault where an operand has bits below tf32's mantissa.
void mma_tf32(FragmentC& c, const FragmentA& a, const FragmentB& b, Where where = Where::current());
void mma_bf16(FragmentC& c, const FragmentA& a, const FragmentB& b, Where where = Where::current());

#endif

}  // namespace cardiograd::simt
