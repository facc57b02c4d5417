// The transposition on the CPU, in tiles that stay in the first cache.
#include <algorithm>
#include <cstdint>

#include "base/threads.h"
#include "kernels/transpose/transpose.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTile = 32;

void transpose(std::int64_t batch, std::int64_t rows, std::int64_t columns, const float* x, float* y) {
  const std::int64_t tiles = (rows + kTile - 1) / kTile;
  parallel_for(batch * tiles, [&](std::int64_t task) {
    const std::int64_t record = task / tiles * rows * columns;
    const std::int64_t first = task % tiles * kTile;
    const std::int64_t last = std::min(rows, first + kTile);
    for (std::int64_t c = 0; c < columns; c += kTile)
      for (std::int64_t column = c; column < std::min(columns, c + kTile); ++column)
        for (std::int64_t row = first; row < last; ++row)
          y[record + column * rows + row] = x[record + row * columns + column];
  });
}

}  // namespace

void transpose_forward_cpu(const TransposeShape& s, const float* x, float* y) {
  transpose(s.batch, s.time, s.channels, x, y);
}

void transpose_backward_cpu(const TransposeShape& s, const float* dy, float* dx) {
  transpose(s.batch, s.channels, s.time, dy, dx);
}

}  // namespace cardiograd::kernels
