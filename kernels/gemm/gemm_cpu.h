// Single-precision matrix product for the CPU kernels: C = A B or C += A B with our own micro-kernels.
//
// One tile of C (kernel().rows x kernel().columns) stays in registers while the whole reduction runs, so every element
// of C is one chain of fused multiply-adds in the order of k, whatever the tile's place and the number of threads.
// A is read where it lies, through any two strides: that makes im2col of a channels-last signal a view, and a
// transposed A free. B is packed into panels of `columns` columns, which stay in the cache while rows stream past.
//
// The micro-kernel exists for AVX2 (6 x 16) and AVX-512 (12 x 32) and is chosen once, at run time. Results are equal
// bit for bit between calls on one instruction set, not across the two.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// A matrix somewhere in memory: element (i, j) is data[i * row_stride + j * column_stride].
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

// What happens to a tile before it is stored; applied in this order: + C, + bias, ReLU.
struct Epilogue {
  bool accumulate = false;
  const float* bias = nullptr;  // one per column of C
  bool relu = false;
};

// Floats that pack_b needs for a (k x n) matrix.
std::int64_t packed_size(std::int64_t k, std::int64_t n);

// Packs B (k x n) for gemm_packed: panel p holds columns p * columns ... as rows of `columns` floats, zero-padded.
void pack_b(std::int64_t k, std::int64_t n, MatrixView b, float* packed);

// C (m x n, row stride c_stride, columns contiguous) = A (m x k) B + epilogue, on the calling thread.
void gemm_packed(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, const float* packed_b, float* c,
                 std::int64_t c_stride, const Epilogue& epilogue = {});

// The same over all threads, packing B first.
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float* c, std::int64_t c_stride,
          const Epilogue& epilogue = {});

// C (m x n) += A B for a long reduction k and a small C, as weight gradients are: the reduction is cut into pieces by
// its length alone, each piece is summed by one thread, and the pieces are added in order.
void gemm_long_reduction(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float* c);

// "avx2" or "avx512". The environment variable CARDIOGRAD_ISA=avx2 forbids the wider one.
const char* gemm_instruction_set();

}  // namespace cardiograd::kernels
