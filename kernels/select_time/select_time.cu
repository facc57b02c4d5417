// One sample of each record on the GPU.
#include <cstdint>

#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "kernels/select_time/select_time.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// One block: a tile of channels of kRowLanes records; `x` begins with the sample. No shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    select_time_kernel(std::int64_t records, std::int64_t pitch, unsigned channels, const float* __restrict__ x,
                       float* __restrict__ y) {
  using Tile = RowTile<kWidth>;
  const std::int64_t record = std::int64_t{blockIdx.x} * Tile::kRowLanes + threadIdx.y;
  const unsigned channel = blockIdx.y * Tile::kColumns + threadIdx.x * kWidth;
  if (record < records && channel < channels)
    store_floats<kWidth>(y + record * channels + channel, load_floats<kWidth>(x + record * pitch + channel));
}

inline constexpr unsigned kSelectedRows = 64;  // of a chunk

// One block: a chunk of samples of a tile of channels of one record; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    select_time_backward_kernel(WindowGrid grid, std::int64_t sample, const float* __restrict__ dy,
                                float* __restrict__ dx) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const Floats<kWidth> above = load_floats<kWidth>(dy + chunk.record * grid.channels + chunk.channel);
  const std::int64_t place = sample - chunk.first;
  for (unsigned row = threadIdx.y; row < chunk.rows; row += RowTile<kWidth>::kRowLanes)
    store_floats<kWidth>(dx + chunk.x + std::uint64_t{row} * grid.channels, place == row ? above : Floats<kWidth>{});
}

void select_time_forward_cuda(const SelectTimeShape& s, const float* x, float* y, Stream stream) {
  if (s.batch * s.channels == 0) return;
  const float* first = x + s.sample * s.channels;
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    const auto blocks = static_cast<unsigned>((s.batch + Tile::kRowLanes - 1) / Tile::kRowLanes);
    simt::launch<select_time_kernel<width()>>(dim3(blocks, Tile::tiles(s.channels)), Tile::block(), 0, stream, s.batch,
                                              s.time * s.channels, static_cast<unsigned>(s.channels), first, y);
  };
  with_width(s.channels, launch, first, y);
}

void select_time_backward_cuda(const SelectTimeShape& s, const float* dy, float* dx, Stream stream) {
  if (s.batch * s.time == 0) return;
  const WindowGrid grid = window_grid(s.time, s.channels, 1, kSelectedRows);
  const auto launch = [&](auto width) {
    simt::launch<select_time_backward_kernel<width()>>(window_blocks<width()>(grid, s.batch), RowTile<width()>::block(),
                                                       0, stream, grid, s.sample, dy, dx);
  };
  with_width(s.channels, launch, dy, dx);
}

}  // namespace cardiograd::kernels
