// The maximum over time on the GPU: a block takes a tile of channels of one record, its lanes every kRowLanes-th
// sample.
#include <cstdint>

#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "kernels/max_time/max_time.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// A value and where it is.
struct TimeMaximum {
  float value;
  int sample;
};

// Whether `next` takes the place of `best`: it is larger, or NaN where `best` is none.
__device__ __forceinline__ bool is_larger(float next, float best) {
  return next > best || (next != next && best == best);
}

// Of two maxima of the same channel, the one that the record's is: of equal ones the earlier.
__device__ __forceinline__ TimeMaximum larger_of(TimeMaximum a, TimeMaximum b) {
  if (is_larger(b.value, a.value)) return b;
  return !is_larger(a.value, b.value) && b.sample < a.sample ? b : a;
}

inline constexpr int kMaxAhead = 4;  // samples that a thread reads at once

// y and index. Shared memory 8 KiB.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads, 4)
    max_time_kernel(int time, unsigned channels, const float* __restrict__ x, float* __restrict__ y,
                    std::int32_t* __restrict__ index) {
  using Tile = RowTile<kWidth>;
  SIMT_SHARED(float, values, [Tile::kRowLanes][Tile::kColumns]);
  SIMT_SHARED(int, samples, [Tile::kRowLanes][Tile::kColumns]);
  const unsigned column = threadIdx.x * kWidth;
  const unsigned channel = blockIdx.y * Tile::kColumns + column;
  // Lanes behind a short record's end look at its first sample, which lane 0 has.
  const int begin = static_cast<int>(threadIdx.y) < time ? static_cast<int>(threadIdx.y) : 0;
  if (channel < channels) {
    const float* record = x + std::int64_t{blockIdx.x} * time * channels + channel;
    Floats<kWidth> best = load_floats<kWidth>(record + std::int64_t{begin} * channels);
    int place[kWidth];
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) place[j] = begin;
    for (int first = begin + Tile::kRowLanes; first < time; first += kMaxAhead * Tile::kRowLanes) {
      Floats<kWidth> ahead[kMaxAhead];
      SIMT_UNROLL
      for (int i = 0; i < kMaxAhead; ++i) {
        const int t = first + i * Tile::kRowLanes;
        ahead[i] = t < time ? load_floats<kWidth>(record + std::int64_t{t} * channels) : best;
      }
      SIMT_UNROLL
      for (int i = 0; i < kMaxAhead; ++i) {
        SIMT_UNROLL
        for (int j = 0; j < kWidth; ++j) {
          if (!is_larger(ahead[i].at[j], best.at[j])) continue;
          best.at[j] = ahead[i].at[j];
          place[j] = first + i * Tile::kRowLanes;
        }
      }
    }
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      values[threadIdx.y][column + j] = best.at[j];
      samples[threadIdx.y][column + j] = place[j];
    }
  }
  __syncthreads();
  if (threadIdx.y != 0 || channel >= channels) return;
  const std::uint64_t to = std::uint64_t{blockIdx.x} * channels + channel;
  Floats<kWidth> largest;
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) {
    TimeMaximum best = {values[0][column + j], samples[0][column + j]};
    for (int lane = 1; lane < Tile::kRowLanes; ++lane)
      best = larger_of(best, {values[lane][column + j], samples[lane][column + j]});
    largest.at[j] = best.value;
    index[to + j] = best.sample;
  }
  store_floats<kWidth>(y + to, largest);
}

inline constexpr unsigned kMaximumRows = 64;  // of a chunk

// One block: a chunk of samples of a tile of channels of one record; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    max_time_backward_kernel(WindowGrid grid, const float* __restrict__ dy, const std::int32_t* __restrict__ index,
                             float* __restrict__ dx) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const std::int64_t column = chunk.record * grid.channels + chunk.channel;
  const Floats<kWidth> above = load_floats<kWidth>(dy + column);
  std::int64_t place[kWidth];
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) place[j] = index[column + j] - chunk.first;
  for (unsigned row = threadIdx.y; row < chunk.rows; row += RowTile<kWidth>::kRowLanes) {
    Floats<kWidth> gradient;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) gradient.at[j] = place[j] == row ? above.at[j] : 0.0F;
    store_floats<kWidth>(dx + chunk.x + std::uint64_t{row} * grid.channels, gradient);
  }
}

void max_time_forward_cuda(const MaxTimeShape& s, const float* x, float* y, std::int32_t* index, Stream stream) {
  if (s.batch * s.channels == 0) return;
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    simt::launch<max_time_kernel<width()>>(dim3(static_cast<unsigned>(s.batch), Tile::tiles(s.channels)), Tile::block(),
                                           0, stream, static_cast<int>(s.time), static_cast<unsigned>(s.channels), x, y,
                                           index);
  };
  with_width(s.channels, launch, x, y);
}

void max_time_backward_cuda(const MaxTimeShape& s, const float* dy, const std::int32_t* index, float* dx,
                            Stream stream) {
  if (s.batch * s.time == 0) return;
  const WindowGrid grid = window_grid(s.time, s.channels, 1, kMaximumRows);
  const auto launch = [&](auto width) {
    simt::launch<max_time_backward_kernel<width()>>(window_blocks<width()>(grid, s.batch), RowTile<width()>::block(), 0,
                                                    stream, grid, dy, index, dx);
  };
  with_width(s.channels, launch, dy, dx);
}

}  // namespace cardiograd::kernels
