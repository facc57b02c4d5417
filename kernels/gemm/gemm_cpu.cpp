#include "kernels/gemm/gemm_cpu.h"

#include <algorithm>
#include <cstring>

#include "base/threads.h"
#include "kernels/common/instruction_set.h"
#include "kernels/common/scratch.h"
#include "kernels/gemm/gemm_micro.h"

namespace cardiograd::kernels {
namespace {

// Rows of A that one task carries past all panels: its part of A then stays in the second-level cache.
constexpr std::int64_t kRowsPerTask = 192;
// Steps of a long reduction per packed block of B, and the number of pieces that threads can share.
constexpr std::int64_t kReductionBlock = 256;
constexpr std::int64_t kReductionPieces = 16;

const GemmKernel& kernel() {
  static const GemmKernel& chosen = use_avx512() ? kGemmAvx512 : kGemmAvx2;
  return chosen;
}

}  // namespace

const char* gemm_instruction_set() {
  return kernel().name;
}

std::int64_t packed_size(std::int64_t k, std::int64_t n) {
  const std::int64_t columns = kernel().columns;
  return k * ((n + columns - 1) / columns) * columns;
}

void pack_b(std::int64_t k, std::int64_t n, MatrixView b, float* packed) {
  const std::int64_t columns = kernel().columns;
  for (std::int64_t first = 0; first < n; first += columns) {
    const std::int64_t width = std::min(columns, n - first);
    for (std::int64_t p = 0; p < k; ++p) {
      const float* row = b.data + p * b.row_stride + first * b.column_stride;
      if (b.column_stride == 1) {
        std::memcpy(packed, row, static_cast<std::size_t>(width) * sizeof(float));
      } else {
        for (std::int64_t j = 0; j < width; ++j) packed[j] = row[j * b.column_stride];
      }
      std::fill(packed + width, packed + columns, 0.0F);
      packed += columns;
    }
  }
}

void gemm_packed(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, const float* packed_b, float* c,
                 std::int64_t c_stride, const Epilogue& epilogue) {
  const GemmKernel& micro = kernel();
  for (std::int64_t j = 0; j < n; j += micro.columns) {
    for (std::int64_t i = 0; i < m; i += micro.rows) {
      micro.tile({.k = k,
                  .a = a.data + i * a.row_stride,
                  .a_row_stride = a.row_stride,
                  .a_column_stride = a.column_stride,
                  .b = packed_b + j * k,
                  .c = c + i * c_stride + j,
                  .c_stride = c_stride,
                  .rows_left = static_cast<int>(std::min<std::int64_t>(micro.rows, m - i)),
                  .columns_left = static_cast<int>(std::min<std::int64_t>(micro.columns, n - j)),
                  .accumulate = epilogue.accumulate,
                  .bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + j,
                  .relu = epilogue.relu});
    }
  }
}

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float* c, std::int64_t c_stride,
          const Epilogue& epilogue) {
  float* packed = scratch(ScratchUse::kGemmPack, packed_size(k, n));
  pack_b(k, n, b, packed);
  parallel_for((m + kRowsPerTask - 1) / kRowsPerTask, [&](std::int64_t task) {
    const std::int64_t first = task * kRowsPerTask;
    gemm_packed(std::min(kRowsPerTask, m - first), n, k, {a.data + first * a.row_stride, a.row_stride, a.column_stride},
                packed, c + first * c_stride, c_stride, epilogue);
  });
}

void gemm_long_reduction(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float* c) {
  const std::int64_t blocks = (k + kReductionBlock - 1) / kReductionBlock;
  const std::int64_t pieces = std::min(blocks, kReductionPieces);
  float* partial = scratch(ScratchUse::kPartial, pieces * m * n);
  parallel_for(pieces, [&](std::int64_t piece) {
    float* sum = partial + piece * m * n;
    float* packed = scratch(ScratchUse::kGemmPack, packed_size(kReductionBlock, n));
    const std::int64_t first_block = piece * blocks / pieces;
    const std::int64_t last_block = (piece + 1) * blocks / pieces;
    for (std::int64_t block = first_block; block < last_block; ++block) {
      const std::int64_t p = block * kReductionBlock;
      const std::int64_t depth = std::min(kReductionBlock, k - p);
      pack_b(depth, n, {b.data + p * b.row_stride, b.row_stride, b.column_stride}, packed);
      gemm_packed(m, n, depth, {a.data + p * a.column_stride, a.row_stride, a.column_stride}, packed, sum, n,
                  {.accumulate = block != first_block});
    }
  });
  parallel_for(m, [&](std::int64_t i) {
    float* row = c + i * n;
    for (std::int64_t piece = 0; piece < pieces; ++piece) {
      const float* from = partial + (piece * m + i) * n;
      for (std::int64_t j = 0; j < n; ++j) row[j] += from[j];
    }
  });
}

}  // namespace cardiograd::kernels
