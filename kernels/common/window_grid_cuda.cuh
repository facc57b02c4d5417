// How kernels walk over (records, time, channels) where neighboring samples of a record belong together: a block takes
// some windows of kPool samples, of one record and a tile of channels.
#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/common/divisor.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

// (records, time, channels), cut into chunks of windows of one record each.
struct WindowGrid {
  std::int64_t time;
  std::int64_t windows;  // of a record: time / kPool
  unsigned channels;
  unsigned per_chunk;
  Divisor chunks;  // of a record
};

// The chunk of a thread's block and the thread's channels in it.
template <int kWidth, int kPool>
struct WindowChunk {
  std::int64_t record;
  std::int64_t first;  // window of the record
  std::int64_t x;      // where the chunk's first row of the thread's channels begins
  std::int64_t y;      // and its first window
  unsigned rows;
  unsigned windows;
  unsigned channel;
  bool inside;

  __device__ explicit WindowChunk(const WindowGrid& grid) {
    record = grid.chunks.quotient(blockIdx.x);
    first = std::int64_t{grid.chunks.rest(blockIdx.x)} * grid.per_chunk;
    const std::int64_t rows_left = grid.time - first * kPool;
    const std::int64_t windows_left = grid.windows - first;
    rows = static_cast<unsigned>(rows_left < grid.per_chunk * kPool ? rows_left : grid.per_chunk * kPool);
    windows = static_cast<unsigned>(windows_left < grid.per_chunk ? windows_left : grid.per_chunk);
    channel = blockIdx.y * RowTile<kWidth>::kColumns + threadIdx.x * kWidth;
    inside = channel < grid.channels;
    x = (record * grid.time + first * kPool) * grid.channels + channel;
    y = (record * grid.windows + first) * grid.channels + channel;
  }
};

// Host: chunks of at most `per_chunk` windows; incomplete windows at the end of a record count.
inline WindowGrid window_grid(std::int64_t time, std::int64_t channels, std::int64_t pool, unsigned per_chunk) {
  const std::int64_t chunks = std::max<std::int64_t>(1, ((time + pool - 1) / pool + per_chunk - 1) / per_chunk);
  return {time, time / pool, static_cast<unsigned>(channels), per_chunk, divisor_of(chunks)};
}
template <int kWidth>
dim3 window_blocks(const WindowGrid& grid, std::int64_t records) {
  return dim3(static_cast<unsigned>(records * grid.chunks.divisor), RowTile<kWidth>::tiles(grid.channels));
}

}  // namespace cardiograd::kernels
