// Average pooling on the GPU. The backward direction gathers: each sample asks the windows that hold it, so that
// nothing is added by several threads.
#include <cstdint>

#include "kernels/avg_pool/avg_pool.h"
#include "kernels/common/divisor.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr unsigned kAverageRows = 64;  // of a chunk

struct AverageSizes {
  int time;
  int output_time;
  int kernel;
  int stride;
  int padding;
  Divisor by_stride;

  // The samples of window t that exist: first ... last - 1.
  __device__ int first_of(int t) const {
    const int start = t * stride - padding;
    return start < 0 ? 0 : start;
  }
  __device__ int last_of(int t) const {
    const int end = t * stride - padding + kernel;
    return end < time ? end : time;
  }
};

// y; `grid` goes over the windows. One block: a chunk of a tile of channels; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    avg_pool_kernel(WindowGrid grid, AverageSizes s, const float* __restrict__ x, float* __restrict__ y) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const float* record = x + chunk.record * s.time * grid.channels + chunk.channel;
  for (unsigned i = threadIdx.y; i < chunk.windows; i += RowTile<kWidth>::kRowLanes) {
    const int t = static_cast<int>(chunk.first) + static_cast<int>(i);
    const int first = s.first_of(t);
    const int last = s.last_of(t);
    Floats<kWidth> sum = {};
    for (int sample = first; sample < last; ++sample) {
      const Floats<kWidth> value = load_floats<kWidth>(record + std::int64_t{sample} * grid.channels);
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) sum.at[j] += value.at[j];
    }
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) sum.at[j] /= static_cast<float>(last - first);
    store_floats<kWidth>(y + chunk.y + std::uint64_t{i} * grid.channels, sum);
  }
}

// dx; `grid` goes over the samples. In the same shape.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    avg_pool_backward_kernel(WindowGrid grid, AverageSizes s, const float* __restrict__ dy, float* __restrict__ dx) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  const float* above = dy + chunk.record * s.output_time * grid.channels + chunk.channel;
  for (unsigned i = threadIdx.y; i < chunk.rows; i += RowTile<kWidth>::kRowLanes) {
    // Windows t with t * stride <= reach < t * stride + kernel.
    const int reach = static_cast<int>(chunk.first) + static_cast<int>(i) + s.padding;
    const int newest = static_cast<int>(s.by_stride.quotient(static_cast<unsigned>(reach)));
    const int last = newest < s.output_time - 1 ? newest : s.output_time - 1;
    int t = reach < s.kernel ? 0 : static_cast<int>(s.by_stride.quotient(static_cast<unsigned>(reach - s.kernel))) + 1;
    Floats<kWidth> sum = {};
    for (; t <= last; ++t) {
      const Floats<kWidth> gradient = load_floats<kWidth>(above + std::int64_t{t} * grid.channels);
      const auto samples = static_cast<float>(s.last_of(t) - s.first_of(t));
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) sum.at[j] += gradient.at[j] / samples;
    }
    store_floats<kWidth>(dx + chunk.x + std::uint64_t{i} * grid.channels, sum);
  }
}

namespace {

AverageSizes sizes_of(const AvgPoolShape& s) {
  return {static_cast<int>(s.time),   static_cast<int>(s.output_time()), static_cast<int>(s.kernel),
          static_cast<int>(s.stride), static_cast<int>(s.padding),       divisor_of(s.stride)};
}

}  // namespace

void avg_pool_forward_cuda(const AvgPoolShape& s, const float* x, float* y, Stream stream) {
  if (s.batch * s.channels == 0) return;
  const WindowGrid grid = window_grid(s.output_time(), s.channels, 1, kAverageRows);
  const auto launch = [&](auto width) {
    simt::launch<avg_pool_kernel<width()>>(window_blocks<width()>(grid, s.batch), RowTile<width()>::block(), 0, stream,
                                           grid, sizes_of(s), x, y);
  };
  with_width(s.channels, launch, x, y);
}

void avg_pool_backward_cuda(const AvgPoolShape& s, const float* dy, float* dx, Stream stream) {
  if (s.batch * s.channels == 0) return;
  const WindowGrid grid = window_grid(s.time, s.channels, 1, kAverageRows);
  const auto launch = [&](auto width) {
    simt::launch<avg_pool_backward_kernel<width()>>(window_blocks<width()>(grid, s.batch), RowTile<width()>::block(), 0,
                                                    stream, grid, sizes_of(s), dy, dx);
  };
  with_width(s.channels, launch, dy, dx);
}

}  // namespace cardiograd::kernels
