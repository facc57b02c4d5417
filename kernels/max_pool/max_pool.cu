// Max pooling on the GPU, without divisions. Windows of two samples side by side, the model's, have kernels of their
// own: a thread reads both samples once. Otherwise the backward direction gathers: each sample asks the windows that
// hold it, so that nothing is added by several threads.
#include <cstdint>

#include "kernels/common/divisor.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "kernels/max_pool/max_pool.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr unsigned kPoolRows = 64;  // of a chunk

// Whether `next` takes the place of `best`: it is larger, or NaN.
__device__ __forceinline__ bool replaces(float next, float best) {
  return next > best || next != next;
}

// y of windows of two. One block: a chunk of a tile of channels; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    pair_forward_kernel(WindowGrid grid, const float* __restrict__ x, float* __restrict__ y) {
  const WindowChunk<kWidth, 2> chunk(grid);
  if (!chunk.inside) return;
  SIMT_UNROLL
  for (unsigned i = 0; i < kPoolRows; i += RowTile<kWidth>::kRowLanes) {
    const unsigned window = i + threadIdx.y;
    if (window >= chunk.windows) break;
    const float* from = x + chunk.x + std::uint64_t{2 * window} * grid.channels;
    Floats<kWidth> best = load_floats<kWidth>(from);
    const Floats<kWidth> second = load_floats<kWidth>(from + grid.channels);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j)
      if (replaces(second.at[j], best.at[j])) best.at[j] = second.at[j];
    store_floats<kWidth>(y + chunk.y + std::uint64_t{window} * grid.channels, best);
  }
}

// dx of windows of two; 0 behind the last window of a record. In the same shape.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    pair_backward_kernel(WindowGrid grid, const float* __restrict__ x, const float* __restrict__ dy,
                         float* __restrict__ dx) {
  const WindowChunk<kWidth, 2> chunk(grid);
  if (!chunk.inside) return;
  for (unsigned window = threadIdx.y; window < chunk.windows; window += RowTile<kWidth>::kRowLanes) {
    const std::int64_t at = chunk.x + std::uint64_t{2 * window} * grid.channels;
    const Floats<kWidth> first = load_floats<kWidth>(x + at);
    const Floats<kWidth> second = load_floats<kWidth>(x + at + grid.channels);
    const Floats<kWidth> above = load_floats<kWidth>(dy + chunk.y + std::uint64_t{window} * grid.channels);
    Floats<kWidth> to_first;
    Floats<kWidth> to_second;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      const bool second_wins = replaces(second.at[j], first.at[j]);
      to_first.at[j] = second_wins ? 0.0F : above.at[j];
      to_second.at[j] = second_wins ? above.at[j] : 0.0F;
    }
    store_floats<kWidth>(dx + at, to_first);
    store_floats<kWidth>(dx + at + grid.channels, to_second);
  }
  for (unsigned row = 2 * chunk.windows + threadIdx.y; row < chunk.rows; row += RowTile<kWidth>::kRowLanes)
    store_floats<kWidth>(dx + chunk.x + std::uint64_t{row} * grid.channels, Floats<kWidth>{});
}

// Any window.
struct PoolSizes {
  std::int64_t time;
  std::int64_t output_time;
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t padding;
  Divisor by_stride;
};

// The largest of window t in kWidth channels of the record at `x`, and the sample where it is: the first of equals, and
// the last NaN.
template <int kWidth>
struct WindowMaximum {
  Floats<kWidth> value;
  std::int64_t sample[kWidth];

  __device__ WindowMaximum(const PoolSizes& s, const float* x, unsigned channels, std::int64_t t) {
    const std::int64_t start = t * s.stride - s.padding;
    const std::int64_t first = start < 0 ? 0 : start;
    const std::int64_t last = start + s.kernel < s.time ? start + s.kernel : s.time;
    value = load_floats<kWidth>(x + first * channels);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) sample[j] = first;
    for (std::int64_t i = first + 1; i < last; ++i) {
      const Floats<kWidth> next = load_floats<kWidth>(x + i * channels);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        if (!replaces(next.at[j], value.at[j])) continue;
        value.at[j] = next.at[j];
        sample[j] = i;
      }
    }
  }
};

// y; `grid` goes over the windows. One block: a chunk of a tile of channels; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    window_forward_kernel(WindowGrid grid, PoolSizes s, const float* __restrict__ x, float* __restrict__ y) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const float* record = x + chunk.record * s.time * grid.channels + chunk.channel;
  for (unsigned i = threadIdx.y; i < chunk.windows; i += RowTile<kWidth>::kRowLanes) {
    const WindowMaximum<kWidth> maximum(s, record, grid.channels, chunk.first + i);
    store_floats<kWidth>(y + chunk.y + std::uint64_t{i} * grid.channels, maximum.value);
  }
}

// dx; `grid` goes over the samples. In the same shape.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    window_backward_kernel(WindowGrid grid, PoolSizes s, const float* __restrict__ x, const float* __restrict__ dy,
                           float* __restrict__ dx) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const float* record = x + chunk.record * s.time * grid.channels + chunk.channel;
  const float* above = dy + chunk.record * s.output_time * grid.channels + chunk.channel;
  for (unsigned i = threadIdx.y; i < chunk.rows; i += RowTile<kWidth>::kRowLanes) {
    const std::int64_t sample = chunk.first + i;
    const std::int64_t reach = sample + s.padding;  // windows t with t * stride <= reach < t * stride + kernel
    const std::int64_t newest = s.by_stride.quotient(static_cast<unsigned>(reach));
    const std::int64_t last = newest < s.output_time - 1 ? newest : s.output_time - 1;
    std::int64_t t = reach < s.kernel ? 0 : s.by_stride.quotient(static_cast<unsigned>(reach - s.kernel)) + 1;
    Floats<kWidth> sum = {};
    for (; t <= last; ++t) {
      const WindowMaximum<kWidth> maximum(s, record, grid.channels, t);
      const Floats<kWidth> gradient = load_floats<kWidth>(above + t * grid.channels);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j)
        if (maximum.sample[j] == sample) sum.at[j] += gradient.at[j];
    }
    store_floats<kWidth>(dx + chunk.x + std::uint64_t{i} * grid.channels, sum);
  }
}

namespace {

bool is_pairs(const MaxPoolShape& s) {
  return s.kernel == 2 && s.stride == 2 && s.padding == 0;
}

PoolSizes sizes_of(const MaxPoolShape& s) {
  return {s.time, s.output_time(), s.kernel, s.stride, s.padding, divisor_of(s.stride)};
}

}  // namespace

void max_pool_forward_cuda(const MaxPoolShape& s, const float* x, float* y, Stream stream) {
  if (s.batch * s.channels == 0) return;
  const WindowGrid grid = is_pairs(s) ? window_grid(s.time, s.channels, 2, kPoolRows)
                                      : window_grid(s.output_time(), s.channels, 1, kPoolRows);
  const auto launch = [&](auto width) {
    const dim3 blocks = window_blocks<width()>(grid, s.batch);
    if (is_pairs(s))
      simt::launch<pair_forward_kernel<width()>>(blocks, RowTile<width()>::block(), 0, stream, grid, x, y);
    else
      simt::launch<window_forward_kernel<width()>>(blocks, RowTile<width()>::block(), 0, stream, grid, sizes_of(s), x,
                                                   y);
  };
  with_width(s.channels, launch, x, y);
}

void max_pool_backward_cuda(const MaxPoolShape& s, const float* x, const float* dy, float* dx, Stream stream) {
  if (s.batch * s.channels == 0) return;
  const WindowGrid grid = window_grid(s.time, s.channels, is_pairs(s) ? 2 : 1, kPoolRows);
  const auto launch = [&](auto width) {
    const dim3 blocks = window_blocks<width()>(grid, s.batch);
    if (is_pairs(s))
      simt::launch<pair_backward_kernel<width()>>(blocks, RowTile<width()>::block(), 0, stream, grid, x, dy, dx);
    else
      simt::launch<window_backward_kernel<width()>>(blocks, RowTile<width()>::block(), 0, stream, grid, sizes_of(s), x,
                                                    dy, dx);
  };
  with_width(s.channels, launch, x, dy, dx);
}

}  // namespace cardiograd::kernels
