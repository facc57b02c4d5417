// The micro-kernel interface between gemm_cpu.cpp and the files compiled for one instruction set each. Only plain types
// here: nothing inline may be shared between files that are compiled for different processors.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

struct GemmTile {
  std::int64_t k;
  const float* a;  // element (i, p) at a[i * a_row_stride + p * a_column_stride]
  std::int64_t a_row_stride;
  std::int64_t a_column_stride;
  const float* b;  // packed panel: k rows of `columns` floats
  float* c;
  std::int64_t c_stride;
  int rows_left;     // 1 ... rows
  int columns_left;  // 1 ... columns
  bool accumulate;
  const float* bias;
  bool relu;
};

// The micro-kernel of one instruction set: `tile` computes one tile of at most rows x columns.
struct GemmKernel {
  const char* name;
  int rows;
  int columns;
  void (*tile)(const GemmTile& tile);
};

extern const GemmKernel kGemmAvx2;
extern const GemmKernel kGemmAvx512;

}  // namespace cardiograd::kernels
