// Matrix products of row-major fp32 matrices on the GPU through cuBLASLt.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

// c (rows, columns) = or += a b + bias, where asked for with a ReLU behind it. Pointers are to device memory.
struct Matmul {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t depth = 0;
  const float* a = nullptr;  // (rows, depth), or (depth, rows) where a_transposed
  const float* b = nullptr;  // (depth, columns), or (columns, depth) where b_transposed
  float* c = nullptr;
  bool a_transposed = false;
  bool b_transposed = false;
  const float* bias = nullptr;             // (columns), added to each row; null for none
  bool accumulate = false;                 // +=
  bool relu = false;                       // negative results become 0; not with accumulate
  Precision precision = Precision::kFp32;  // of the factors; below compute capability 8.0 all are fp32
};

// Puts the product into the stream. The algorithm depends on the shape, the flags and whether pointers are 16-byte
// aligned, on the GPU and on the version of cuBLASLt, and on nothing else, and has no sums whose order is left to
// chance: the same call gives the same bits. Throws Error where cuBLASLt cannot be used; the hint says what to do.
void matmul_cuda(const Matmul& m, Stream stream);

}  // namespace cardiograd::kernels
