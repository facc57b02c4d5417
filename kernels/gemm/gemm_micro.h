// The micro-kernel interface between the CPU's products and the files compiled for one instruction set each. Only plain
// types here: nothing inline may be shared between files that are compiled for different processors.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// The left factors of a product as a micro-kernel reads them: what step p of the reduction takes of row i is at
// data + i * row_bytes + p * step_bytes. A step is one float, or in kernels of pairs two bf16 side by side, the first
// of which is that of the lower k.
struct LeftView {
  const char* data;
  std::int64_t row_bytes;
  std::int64_t step_bytes;
};

struct GemmTile {
  std::int64_t k;
  LeftView a;
  const float* b;  // packed panel: `columns` words of 32 bits per step, each a float or a pair
  float* c;
  std::int64_t c_stride;
  int rows_left;     // 1 ... rows
  int columns_left;  // 1 ... columns
  bool accumulate;
  const float* bias;
  bool relu;
};

// The micro-kernel of one instruction set.
struct GemmKernel {
  const char* name;
  int rows;
  int columns;
  int depth;  // of a step: 1, or 2 for pairs
  // Computes one tile of at most rows x columns.
  void (*tile)(const GemmTile& tile);
  // B (k x n, rows `stride` floats apart) as panels of `columns`, zero-padded: GemmTile::b.
  void (*pack_panels)(std::int64_t k, std::int64_t n, const float* b, std::int64_t stride, float* to);
  // The transpose of a (k x m, rows `stride` floats apart) as tiles of `rows` left factors, each of them the words of
  // its rows, step by step. What is beyond m is undefined.
  void (*pack_transposed)(std::int64_t k, std::int64_t m, const float* a, std::int64_t stride, float* to);
};

extern const GemmKernel kGemmAvx2;
extern const GemmKernel kGemmAvx512;
extern const GemmKernel kGemmAvx512Bf16;

// to[i] = x[i], to nearest even, and a zero behind an odd count; numbers below 2^-126 count as zero. Only for
// processors with AVX512-BF16.
void to_bf16_avx512bf16(std::int64_t count, const float* x, std::uint16_t* to);

}  // namespace cardiograd::kernels
