// Channel dropout on the GPU, channels last.
#include <cstdint>

#include "kernels/channel_dropout/channel_dropout.h"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "kernels/dropout/dropout.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr unsigned kChannelDropoutRows = 64;  // of a chunk

// One block: a chunk of samples of a tile of channels of one record; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    channel_dropout_kernel(WindowGrid grid, DropoutMask mask, const float* x, float* y) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const std::int64_t first = chunk.record * grid.channels + chunk.channel;
  float factors[kWidth];
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) factors[j] = dropout_factor(mask, first + j);
  for (unsigned row = threadIdx.y; row < chunk.rows; row += RowTile<kWidth>::kRowLanes) {
    const std::uint64_t at = static_cast<std::uint64_t>(chunk.x) + std::uint64_t{row} * grid.channels;
    Floats<kWidth> value = load_floats<kWidth>(x + at);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) value.at[j] = factors[j] == 0.0F ? 0.0F : value.at[j] * factors[j];
    store_floats<kWidth>(y + at, value);
  }
}

void channel_dropout_cuda(const ChannelDropoutShape& s, const float* x, float* y, Stream stream) {
  if (s.batch * s.time == 0) return;
  const WindowGrid grid = window_grid(s.time, s.channels, 1, kChannelDropoutRows);
  const auto launch = [&](auto width) {
    simt::launch<channel_dropout_kernel<width()>>(window_blocks<width()>(grid, s.batch), RowTile<width()>::block(), 0,
                                                  stream, grid, dropout_mask(s.key), x, y);
  };
  with_width(s.channels, launch, x, y);
}

}  // namespace cardiograd::kernels
