// Reductions on the GPU, in fixed trees.
#include <algorithm>
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/last_block_cuda.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "kernels/reduce/reduce.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// What becomes of a sum of squares: the sum itself, or the norm and the factor that clips it.
struct SquaredNormFinish {
  float* square = nullptr;
  double largest = 0;
  float* norm = nullptr;
  float* factor = nullptr;
  __device__ void operator()(float sum) const {
    if (square != nullptr) *square = sum;
    if (norm == nullptr) return;
    const double root = sqrt(static_cast<double>(sum));
    const double scale = largest / (root + 1e-6);  // PyTorch's guard against a norm of zero.
    *norm = static_cast<float>(root);
    *factor = scale < 1 ? static_cast<float>(scale) : 1.0F;
  }
};

inline constexpr int kMeanAhead = 8;  // samples that a thread reads at once

// One block: a tile of channels of one record. Shared memory 4 KiB.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads, 4)
    mean_time_kernel(std::int64_t time, unsigned channels, const float* __restrict__ x, float* __restrict__ y) {
  using Tile = RowTile<kWidth>;
  SIMT_SHARED(float, lanes, [Tile::kRowLanes][Tile::kColumns]);
  const unsigned channel = blockIdx.y * Tile::kColumns + threadIdx.x * kWidth;
  Floats<kWidth> sum = {};
  if (channel < channels) {
    const float* record = x + blockIdx.x * time * channels + channel;
    for (std::int64_t first = threadIdx.y; first < time; first += kMeanAhead * Tile::kRowLanes) {
      Floats<kWidth> values[kMeanAhead] = {};
      SIMT_UNROLL
      for (int i = 0; i < kMeanAhead; ++i) {
        const std::int64_t t = first + i * Tile::kRowLanes;
        if (t < time) values[i] = load_floats<kWidth>(record + t * channels);
      }
      SIMT_UNROLL
      for (int i = 0; i < kMeanAhead; ++i) {
        SIMT_UNROLL
        for (int j = 0; j < kWidth; ++j) sum.at[j] += values[i].at[j];
      }
    }
  }
  sum = sum_row_lanes<kWidth>(lanes, sum);
  if (threadIdx.y != 0 || channel >= channels) return;
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) sum.at[j] /= static_cast<float>(time);
  store_floats<kWidth>(y + std::uint64_t{blockIdx.x} * channels + channel, sum);
}

inline constexpr unsigned kMeanRows = 64;  // of a chunk

// One block: a chunk of samples of a tile of channels of one record; no shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    mean_time_backward_kernel(WindowGrid grid, const float* __restrict__ dy, float* __restrict__ dx) {
  const WindowChunk<kWidth, 1> chunk(grid);
  if (!chunk.inside) return;
  Floats<kWidth> gradient = load_floats<kWidth>(dy + chunk.record * grid.channels + chunk.channel);
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) gradient.at[j] /= static_cast<float>(grid.time);
  for (unsigned row = threadIdx.y; row < chunk.rows; row += RowTile<kWidth>::kRowLanes)
    store_floats<kWidth>(dx + chunk.x + std::uint64_t{row} * grid.channels, gradient);
}

inline constexpr int kNormThreads = 256;
inline constexpr int kNormPerBlock = 4096;

// The squares of kNormPerBlock elements, the last block adds up those of all. Shared memory 128 bytes.
static __global__ void __launch_bounds__(kNormThreads)
    squared_norm_kernel(std::int64_t count, bool wide, const float* __restrict__ x, float* partial, unsigned* arrived,
                        SquaredNormFinish finish) {
  const std::int64_t first = std::int64_t{blockIdx.x} * kNormPerBlock;
  const auto size = static_cast<int>(count - first < kNormPerBlock ? count - first : kNormPerBlock);
  const int vectors = wide ? size / 4 : 0;
  float sum = 0;
  for (int i = static_cast<int>(threadIdx.x); i < vectors; i += kNormThreads) {
    const float4 value = simt::load4(x + first + 4 * i);
    sum += value.x * value.x + value.y * value.y + (value.z * value.z + value.w * value.w);
  }
  for (int i = 4 * vectors + static_cast<int>(threadIdx.x); i < size; i += kNormThreads)
    sum += x[first + i] * x[first + i];
  sum = block_sum<kNormThreads>(sum);
  if (gridDim.x > 1) {
    if (threadIdx.x == 0) partial[blockIdx.x] = sum;
    if (!is_last_block(arrived, gridDim.x)) return;
    sum = 0;
    for (unsigned block = threadIdx.x; block < gridDim.x; block += kNormThreads) sum += partial[block];
    sum = block_sum<kNormThreads>(sum);
  }
  if (threadIdx.x == 0) finish(sum);
}

struct ScaleMap {
  float factor;
  __device__ float operator()(float x) const { return x * factor; }
};

namespace {

void squared_norm(std::int64_t count, const float* x, const SquaredNormFinish& finish, Stream stream) {
  const unsigned blocks = std::max(1U, blocks_for(count, kNormPerBlock));
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, blocks);
  simt::launch<squared_norm_kernel>(dim3(blocks), dim3(kNormThreads), 0, stream, count, are_aligned(x), x, partial,
                                    cuda_counters(stream), finish);
}

}  // namespace

void mean_time_forward_cuda(const MeanTimeShape& s, const float* x, float* y, Stream stream) {
  if (s.batch == 0) return;
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    simt::launch<mean_time_kernel<width()>>(dim3(static_cast<unsigned>(s.batch), Tile::tiles(s.channels)),
                                            Tile::block(), 0, stream, s.time, static_cast<unsigned>(s.channels), x, y);
  };
  with_width(s.channels, launch, x, y);
}

void mean_time_backward_cuda(const MeanTimeShape& s, const float* dy, float* dx, Stream stream) {
  if (s.batch * s.time == 0) return;
  const WindowGrid grid = window_grid(s.time, s.channels, 1, kMeanRows);
  const auto launch = [&](auto width) {
    simt::launch<mean_time_backward_kernel<width()>>(window_blocks<width()>(grid, s.batch), RowTile<width()>::block(),
                                                     0, stream, grid, dy, dx);
  };
  with_width(s.channels, launch, dy, dx);
}

void squared_norm_forward_cuda(const SquaredNormShape& s, const float* x, float* y, Stream stream) {
  squared_norm(s.count, x, {.square = y}, stream);
}

void clip_factor_cuda(std::int64_t count, const float* x, double largest, float* norm, float* factor, Stream stream) {
  squared_norm(count, x, {.largest = largest, .norm = norm, .factor = factor}, stream);
}

void scale_forward_cuda(const ScaleShape& s, float* x, Stream stream) {
  map_elements(s.count, stream, ScaleMap{s.factor}, x, x);
}

}  // namespace cardiograd::kernels
