#include "kernels/gemm/gemm_cpu.h"

#include <algorithm>
#include <cstring>

#include <immintrin.h>

#include "base/threads.h"
#include "kernels/common/instruction_set.h"
#include "kernels/common/scratch.h"

namespace cardiograd::kernels {
namespace {

// Rows of A that one task carries past all panels: its part of A then stays in the second-level cache.
constexpr std::int64_t kRowsPerTask = 192;
// With fewer rows, tasks are panels of B, so that a product of few rows also uses all threads.
constexpr std::int64_t kMaxRowsByPanel = 2 * kRowsPerTask;
// Products below this many multiply-adds are done by the calling thread: waking others takes longer.
constexpr std::int64_t kSmallProduct = std::int64_t{1} << 18;
// Steps of a long reduction per packed block, the number of pieces that threads can share, and the columns of C that
// one task sums, which then stay in the second-level cache.
constexpr std::int64_t kReductionBlock = 256;
constexpr std::int64_t kReductionPieces = 16;
constexpr std::int64_t kReductionColumns = 768;

const GemmKernel& kernel(Precision precision) {
  static const GemmKernel& exact = use_avx512() ? kGemmAvx512 : kGemmAvx2;
  static const GemmKernel& pairs = use_avx512_bf16() ? kGemmAvx512Bf16 : exact;
  return precision == Precision::kBf16 ? pairs : exact;
}

void round_all(Precision precision, std::int64_t count, float* x) {
  for (std::int64_t i = 0; i < count; ++i) x[i] = round_to(precision, x[i]);
}

std::int64_t round_up(std::int64_t count, std::int64_t multiple) {
  return (count + multiple - 1) / multiple * multiple;
}
std::int64_t steps_of(const GemmKernel& micro, std::int64_t k) {
  return (k + micro.depth - 1) / micro.depth;
}

// to[p * to_stride + j] = from[j * from_stride + p] for p < k and j < n.
void transpose(std::int64_t k, std::int64_t n, const float* from, std::int64_t from_stride, float* to,
               std::int64_t to_stride) {
  constexpr std::int64_t kBlock = 8;
  for (std::int64_t j = 0; j < n; j += kBlock) {
    std::int64_t p = 0;
    for (; p + kBlock <= k && j + kBlock <= n; p += kBlock) {
      __m256 r[kBlock];
      __m256 t[kBlock];
      const float* source = from + j * from_stride + p;
      for (int i = 0; i < kBlock; ++i) r[i] = _mm256_loadu_ps(source + i * from_stride);
      for (int i = 0; i < kBlock; i += 2) {
        t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
      }
      for (int i = 0; i < kBlock; i += 4) {
        r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xEE);
        r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xEE);
      }
      for (int i = 0; i < kBlock / 2; ++i) {
        _mm256_storeu_ps(to + (p + i) * to_stride + j, _mm256_permute2f128_ps(r[i], r[i + 4], 0x20));
        _mm256_storeu_ps(to + (p + i + 4) * to_stride + j, _mm256_permute2f128_ps(r[i], r[i + 4], 0x31));
      }
    }
    for (; p < k; ++p)
      for (std::int64_t i = j; i < std::min(n, j + kBlock); ++i) to[p * to_stride + i] = from[i * from_stride + p];
  }
}

// Rows of bf16, each of an even number of halves: what rows of pairs are.
void to_pair_rows(std::int64_t count, std::int64_t width, const float* from, std::int64_t stride, float* to) {
  const std::int64_t halves = round_up(width, 2);
  auto* row = reinterpret_cast<std::uint16_t*>(to);
  for (std::int64_t i = 0; i < count; ++i, row += halves) to_bf16_avx512bf16(width, from + i * stride, row);
}

// A panel whose columns lie as rows of b.
void pack_transposed_panel(const GemmKernel& micro, std::int64_t k, std::int64_t n, const float* b, std::int64_t stride,
                           float* to) {
  const std::int64_t steps = steps_of(micro, k);
  const float* words = b;
  if (micro.depth == 2) {
    float* pairs = scratch(ScratchUse::kFactorB, steps * n);
    to_pair_rows(n, k, b, stride, pairs);
    words = pairs;
    stride = steps;
  }
  transpose(steps, n, words, stride, to, micro.columns);
  for (std::int64_t p = 0; p < steps && n < micro.columns; ++p)
    std::fill(to + p * micro.columns + n, to + (p + 1) * micro.columns, 0.0F);
}

}  // namespace

const char* gemm_instruction_set() {
  return kernel(Precision::kBf16).name;
}

bool emulates(Precision precision) {
  return precision != Precision::kFp32 && kernel(precision).depth == 1;
}

std::int64_t left_size(Precision precision, const Rows& rows) {
  const GemmKernel& micro = kernel(precision);
  const std::int64_t packed = round_up(rows.width, micro.rows) * steps_of(micro, rows.count);
  return std::max(packed, rows.count * (rows.width + 1) + rows.stride);
}

LeftFactors left_factors(Precision precision, const Rows& rows, float* copy) {
  const GemmKernel& micro = kernel(precision);
  LeftView view = {reinterpret_cast<const char*>(rows.data), rows.stride * 4, 4};
  // Rows that overlap are copied as the one piece of memory that they are.
  const bool apart = rows.stride >= rows.width;
  const std::int64_t count = apart ? rows.count : 1;
  const std::int64_t width = apart ? rows.width : (rows.count - 1) * rows.stride + rows.width;
  if (micro.depth == 2) {
    to_pair_rows(count, width, rows.data, rows.stride, copy);
    view = {reinterpret_cast<const char*>(copy), 2 * (apart ? round_up(width, 2) : rows.stride), 4};
  } else if (precision != Precision::kFp32) {
    for (std::int64_t i = 0; i < count; ++i) std::copy_n(rows.data + i * rows.stride, width, copy + i * width);
    round_all(precision, count * width, copy);
    view = {reinterpret_cast<const char*>(copy), 4 * (apart ? width : rows.stride), 4};
  }
  return {view, micro.rows * view.row_bytes};
}

LeftFactors left_transposed(Precision precision, const Rows& rows, float* copy) {
  const GemmKernel& micro = kernel(precision);
  micro.pack_transposed(rows.count, rows.width, rows.data, rows.stride, copy);
  const std::int64_t steps = steps_of(micro, rows.count);
  if (emulates(precision)) round_all(precision, round_up(rows.width, micro.rows) * steps, copy);
  return {{reinterpret_cast<const char*>(copy), 4, 4 * micro.rows}, 4 * micro.rows * steps};
}

std::int64_t packed_size(Precision precision, std::int64_t k, std::int64_t n) {
  return steps_of(kernel(precision), k) * padded_columns(n);
}

std::int64_t padded_columns(std::int64_t n) {
  return round_up(n, kernel(Precision::kFp32).columns);
}

void pack_b(Precision precision, std::int64_t k, std::int64_t n, MatrixView b, float* packed) {
  const GemmKernel& micro = kernel(precision);
  if (b.column_stride == 1) {
    micro.pack_panels(k, n, b.data, b.row_stride, packed);
  } else {
    for (std::int64_t j = 0; j < n; j += micro.columns)
      pack_transposed_panel(micro, k, std::min<std::int64_t>(micro.columns, n - j), b.data + j * b.column_stride,
                            b.column_stride, packed + j * steps_of(micro, k));
  }
  if (emulates(precision)) round_all(precision, packed_size(precision, k, n), packed);
}

void gemm_packed(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k, const LeftFactors& a,
                 const float* packed_b, float* c, std::int64_t c_stride, const Epilogue& epilogue) {
  const GemmKernel& micro = kernel(precision);
  const std::int64_t steps = steps_of(micro, k);
  for (std::int64_t j = 0; j < n; j += micro.columns) {
    LeftView view = a.first;
    for (std::int64_t i = 0; i < m; i += micro.rows, view.data += a.tile_bytes) {
      micro.tile({.k = k,
                  .a = view,
                  .b = packed_b + j * steps,
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

void gemm(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k, const float* a, MatrixView b, float* c,
          const Epilogue& epilogue, const RowsDone& done) {
  const std::int64_t columns = kernel(precision).columns;
  const std::int64_t steps = steps_of(kernel(precision), k);
  const std::int64_t panels = (n + columns - 1) / columns;
  float* packed = scratch(ScratchUse::kGemmPack, packed_size(precision, k, n));
  const auto pack_panel = [&](std::int64_t panel) {
    const std::int64_t j = panel * columns;
    pack_b(precision, k, std::min(columns, n - j), {b.data + j * b.column_stride, b.row_stride, b.column_stride},
           packed + j * steps);
  };
  const auto left_rows = [&](std::int64_t first, std::int64_t count) {
    const Rows rows = {a + first * k, count, k, k};
    return left_factors(precision, rows, scratch(ScratchUse::kFactorA, left_size(precision, rows)));
  };
  if (m <= kMaxRowsByPanel) {
    const LeftFactors left = left_rows(0, m);
    const auto panel_task = [&](std::int64_t panel) {
      pack_panel(panel);
      const std::int64_t j = panel * columns;
      const float* bias = epilogue.bias == nullptr ? nullptr : epilogue.bias + j;
      gemm_packed(precision, m, std::min(columns, n - j), k, left, packed + j * steps, c + j, n,
                  {epilogue.accumulate, bias, epilogue.relu});
    };
    if (m * n * k > kSmallProduct)
      parallel_for(panels, panel_task);
    else
      for (std::int64_t panel = 0; panel < panels; ++panel) panel_task(panel);
    if (done) done(0, m);
    return;
  }
  parallel_for(panels, pack_panel);
  parallel_for((m + kRowsPerTask - 1) / kRowsPerTask, [&](std::int64_t task) {
    const std::int64_t first = task * kRowsPerTask;
    const std::int64_t count = std::min(kRowsPerTask, m - first);
    gemm_packed(precision, count, n, k, left_rows(first, count), packed, c + first * n, n, epilogue);
    if (done) done(first, count);
  });
}

void gemm_long_reduction(Precision precision, std::int64_t m, std::int64_t n, std::int64_t k, const float* a,
                         const float* b, float* c) {
  const std::int64_t columns = kernel(precision).columns;
  const std::int64_t panels = (n + columns - 1) / columns;
  const std::int64_t groups = (n + kReductionColumns - 1) / kReductionColumns;
  const std::int64_t blocks = (k + kReductionBlock - 1) / kReductionBlock;
  const std::int64_t pieces = std::min(blocks, kReductionPieces);
  float* partial = pieces == 1 ? c : scratch(ScratchUse::kPartial, pieces * m * n);
  parallel_for(pieces * groups, [&](std::int64_t task) {
    const std::int64_t piece = task / groups;
    const std::int64_t j = task % groups * panels / groups * columns;
    const std::int64_t width = std::min(n, (task % groups + 1) * panels / groups * columns) - j;
    float* packed = scratch(ScratchUse::kGemmPack, packed_size(precision, kReductionBlock, width));
    float* factors = scratch(ScratchUse::kFactorA, left_size(precision, {a, kReductionBlock, m, m}));
    const std::int64_t first_block = piece * blocks / pieces;
    const std::int64_t last_block = (piece + 1) * blocks / pieces;
    for (std::int64_t block = first_block; block < last_block; ++block) {
      const std::int64_t p = block * kReductionBlock;
      const std::int64_t depth = std::min(kReductionBlock, k - p);
      pack_b(precision, depth, width, row_major(b + p * n + j, n), packed);
      gemm_packed(precision, m, width, depth, left_transposed(precision, {a + p * m, depth, m, m}, factors), packed,
                  partial + piece * m * n + j, n, {.accumulate = pieces == 1 || block != first_block});
    }
  });
  if (pieces == 1) return;
  parallel_for(m, [&](std::int64_t i) {
    float* row = c + i * n;
    for (std::int64_t piece = 0; piece < pieces; ++piece) {
      const float* from = partial + (piece * m + i) * n;
      for (std::int64_t j = 0; j < n; ++j) row[j] += from[j];
    }
  });
}

}  // namespace cardiograd::kernels
