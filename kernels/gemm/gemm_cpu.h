// Matrix products for the CPU kernels: C = A B or C += A B with our own micro-kernels, in fp32 sums.
//
// One tile of C (kernel's rows x columns) stays in registers while the whole reduction runs, so every element of C is
// one chain of additions in the order of k, whatever the tile's place and the number of threads. A is read where it
// lies, at any distance of rows: that makes im2col of a channels-last signal a view. B is packed into panels of
// `columns` columns, which stay in the cache while rows stream past.
//
// Factors are rounded as a Precision says (base/precision.h). bf16 on a processor with AVX512-BF16 multiplies pairs of
// bf16 (VDPBF16PS); tf32, and bf16 elsewhere, are emulated: the factors are rounded floats, and no faster.
//
// The micro-kernel exists for AVX2 (6 x 16), AVX-512 and AVX512-BF16 (12 x 32) and is chosen once, at run time. Results
// are equal bit for bit between calls on one instruction set, not across them: the sums of packed weights' gradients
// are cut alike everywhere, but VDPBF16PS adds the two products of a pair in an order of its own and takes numbers
// below 2^-126 for zero.
#pragma once

#include <cstdint>
#include <functional>

#include "base/precision.h"
#include "kernels/gemm/gemm_micro.h"

namespace cardiograd::kernels {

// A matrix somewhere in memory: element (i, j) is data[i * row_stride + j * column_stride]; one of the strides is 1.
struct MatrixView {
  const float* data;
  std::int64_t row_stride;
  std::int64_t column_stride;
};

// A matrix of `columns` contiguous columns, and the transpose of a view; nothing is copied.
inline MatrixView row_major(const float* data, std::int64_t columns) {
  return {data, columns, 1};
}
inline MatrixView transposed(MatrixView view) {
  return {view.data, view.column_stride, view.row_stride};
}

// A matrix of contiguous rows, the first elements of which are `stride` apart; rows may overlap.
struct Rows {
  const float* data;
  std::int64_t count;
  std::int64_t width;
  std::int64_t stride;
};

// What happens to a tile before it is stored; applied in this order: + C, + bias, ReLU.
struct Epilogue {
  bool accumulate = false;
  const float* bias = nullptr;  // one per column of C
  bool relu = false;
};

// The left factors of gemm_packed(): tiles of the micro-kernel's rows, `tile_bytes` apart.
struct LeftFactors {
  LeftView first;
  std::int64_t tile_bytes;
};

// Floats of working memory that left_factors() and left_transposed() need for this matrix.
std::int64_t left_size(Precision precision, const Rows& rows);
// The matrix as left factors: itself in fp32, elsewhere a copy at `copy`.
LeftFactors left_factors(Precision precision, const Rows& rows, float* copy);
// Its transpose, packed at `copy`.
LeftFactors left_transposed(Precision precision, const Rows& rows, float* copy);

// Floats that pack_b() needs for a (k x n) matrix.
std::int64_t packed_size(Precision precision, std::int64_t k, std::int64_t n);
// n rounded up to whole panels: gemm_packed() may write as many columns where C has room for them, the last ones 0.
std::int64_t padded_columns(std::int64_t n);

// Packs B (k x n) for gemm_packed().
void pack_b(Precision precision, std::int64_t k, std::int64_t n, MatrixView b, float* packed);

// C (m x n, row stride c_stride, columns contiguous) = A (m x k) B + epilogue, on the calling thread.
void gemm_packed(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k, const LeftFactors& a,
                 const float* packed_b, float* c, std::int64_t c_stride, const Epilogue& epilogue = {});

// Called with the first of some rows of C and their number when they are done and still in the cache; by any thread.
using RowsDone = std::function<void(std::int64_t first, std::int64_t count)>;

// C (m x n, contiguous) = A (m x k, contiguous) B + epilogue, over all threads, and `done` on all its rows.
void gemm(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k, const float* a, MatrixView b, float* c,
          const Epilogue& epilogue = {}, const RowsDone& done = {});

// C (m x n) += A^T B for a (k x m) and b (k x n), all contiguous, k long and C small, as weights' gradients are: the
// reduction is cut into pieces by its length alone, each piece is summed by one thread, and the pieces are added in
// order.
void gemm_long_reduction(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                         const float* b, float* c);

// "avx2" or "avx512"; with AVX512-BF16 "avx512_bf16".
const char* gemm_instruction_set();
// Whether products of this precision are fp32 products of rounded factors here: as exact as elsewhere, and no faster
// than fp32.
bool emulates(Precision precision);

}  // namespace cardiograd::kernels
