// Concatenation on the GPU: a block takes some rows of a tile of columns of the wide matrix (row_tiles_cuda.cuh).
#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/concat/concat.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// One thread: kWidth columns of one row, which lie in a or in b whole. `wide` is read (kSplit) or written. No shared
// memory.
template <int kWidth, bool kSplit, class Narrow, class Wide>
__global__ void __launch_bounds__(kTileThreads)
    concat_kernel(std::int64_t rows, unsigned width_a, unsigned width_b, Narrow* a, Narrow* b, Wide* wide) {
  using Tile = RowTile<kWidth>;
  const unsigned column = blockIdx.y * Tile::kColumns + threadIdx.x * kWidth;
  const std::int64_t row = std::int64_t{blockIdx.x} * Tile::kRowLanes + threadIdx.y;
  if (row >= rows || column >= width_a + width_b) return;
  Narrow* narrow = column < width_a ? a + row * width_a + column : b + row * width_b + (column - width_a);
  Wide* at = wide + row * (width_a + width_b) + column;
  if constexpr (kSplit)
    store_floats<kWidth>(narrow, load_floats<kWidth>(at));
  else
    store_floats<kWidth>(at, load_floats<kWidth>(narrow));
}

namespace {

template <bool kSplit, class Narrow, class Wide>
void run(const ConcatShape& s, Narrow* a, Narrow* b, Wide* wide, Stream stream) {
  const std::int64_t width = s.width_a + s.width_b;
  if (s.rows * width == 0) return;
  const auto launch = [&](auto vector) {
    using Tile = RowTile<vector()>;
    simt::launch<concat_kernel<vector(), kSplit, Narrow, Wide>>(
        dim3(blocks_for(s.rows, Tile::kRowLanes), Tile::tiles(width)), Tile::block(), 0, stream, s.rows,
        static_cast<unsigned>(s.width_a), static_cast<unsigned>(s.width_b), a, b, wide);
  };
  with_width(s.width_a % 4 == 0 ? s.width_b : 1, launch, a, b, wide);
}

}  // namespace

void concat_forward_cuda(const ConcatShape& s, const float* a, const float* b, float* y, Stream stream) {
  run<false>(s, a, b, y, stream);
}

void concat_backward_cuda(const ConcatShape& s, const float* dy, float* da, float* db, Stream stream) {
  run<true>(s, da, db, dy, stream);
}

}  // namespace cardiograd::kernels
