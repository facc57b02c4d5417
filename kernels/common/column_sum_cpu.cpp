#include "kernels/common/column_sum_cpu.h"

#include <algorithm>

#include "base/threads.h"
#include "kernels/common/scratch.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kPieces = 64;
constexpr std::int64_t kRowsPerChunk = 64;

}  // namespace

void column_sum_cpu(std::int64_t count, std::int64_t columns, const float* rows, float* sum) {
  // Chunks of 64 rows are summed on their own and then added to their piece: with 64,000 rows a chain of additions is
  // never longer than 64 + 16 + 64, which keeps the rounding error small.
  const std::int64_t chunks = (count + kRowsPerChunk - 1) / kRowsPerChunk;
  const std::int64_t pieces = std::min(chunks, kPieces);
  float* partial = scratch(ScratchUse::kPartial, 2 * pieces * columns);
  parallel_for(pieces, [&](std::int64_t piece) {
    float* total = partial + 2 * piece * columns;
    float* chunk_sum = total + columns;
    std::fill(total, total + columns, 0.0F);
    for (std::int64_t chunk = piece * chunks / pieces; chunk < (piece + 1) * chunks / pieces; ++chunk) {
      std::fill(chunk_sum, chunk_sum + columns, 0.0F);
      const std::int64_t last = std::min(count, (chunk + 1) * kRowsPerChunk);
      for (std::int64_t i = chunk * kRowsPerChunk; i < last; ++i) {
        const float* row = rows + i * columns;
        for (std::int64_t j = 0; j < columns; ++j) chunk_sum[j] += row[j];
      }
      for (std::int64_t j = 0; j < columns; ++j) total[j] += chunk_sum[j];
    }
  });
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    const float* total = partial + 2 * piece * columns;
    for (std::int64_t j = 0; j < columns; ++j) sum[j] += total[j];
  }
}

}  // namespace cardiograd::kernels
