// Batch normalization on the GPU, the part that batch_norm.cu and batch_norm_pool.cu share: rows in windows of kPool
// rows, of which the next operation takes the largest. kPool 1 is batch normalization alone.
#pragma once

#include <cstdint>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/window_grid_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct BatchNormChannels {
  const float* gamma;
  const float* beta;
  const float* mean;
  const float* variance;
  float epsilon;
  bool relu;
};

// What normalizes kWidth channels; value() is the one before ReLU, in the forward and backward direction the same bits.
template <int kWidth>
struct BatchNormCoefficients {
  Floats<kWidth> mean;
  Floats<kWidth> inverse;  // 1 / sqrt(variance + epsilon)
  Floats<kWidth> scale;    // gamma * inverse
  Floats<kWidth> beta;
  bool relu;

  __device__ BatchNormCoefficients(const BatchNormChannels& at, unsigned channel)
      : BatchNormCoefficients(at, channel, load_floats<kWidth>(at.mean + channel),
                              load_floats<kWidth>(at.variance + channel)) {}
  __device__ BatchNormCoefficients(const BatchNormChannels& at, unsigned channel, const Floats<kWidth>& mean_,
                                   const Floats<kWidth>& variance)
      : mean(mean_), beta(load_floats<kWidth>(at.beta + channel)), relu(at.relu) {
    const Floats<kWidth> gamma = load_floats<kWidth>(at.gamma + channel);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      inverse.at[j] = 1.0F / sqrtf(variance.at[j] + at.epsilon);
      scale.at[j] = gamma.at[j] * inverse.at[j];
    }
  }
  __device__ __forceinline__ float value(float x, int j) const { return (x - mean.at[j]) * scale.at[j] + beta.at[j]; }
  __device__ __forceinline__ float output(float x, int j) const {
    const float y = value(x, j);
    return relu && y <= 0.0F ? 0.0F : y;
  }
  __device__ __forceinline__ float normal(float x, int j) const { return (x - mean.at[j]) * inverse.at[j]; }
};

// The place of the largest of the window's outputs of channel j, as max_pool.h says: the first of equals, the last NaN.
template <int kWidth, int kPool>
__device__ __forceinline__ int largest(const BatchNormCoefficients<kWidth>& k, const Floats<kWidth> (&x)[kPool], int j,
                                       float& output) {
  int place = 0;
  output = k.output(x[0].at[j], j);
  SIMT_UNROLL
  for (int i = 1; i < kPool; ++i) {
    const float next = k.output(x[i].at[j], j);
    if (next > output || next != next) {
      output = next;
      place = i;
    }
  }
  return place;
}

// One window of a thread: rows, and the gradient above or what is added. Zeros where there is none.
template <int kWidth, int kPool>
struct FetchedWindow {
  Floats<kWidth> rows[kPool] = {};
  Floats<kWidth> other = {};

  // `others`: of the chunk's first window and the thread's channels, or null.
  __device__ __forceinline__ void fetch(const WindowChunk<kWidth, kPool>& chunk, unsigned channels, unsigned window,
                                        const float* __restrict__ x, const float* __restrict__ others) {
    if (window >= chunk.windows) return;
    SIMT_UNROLL
    for (int i = 0; i < kPool; ++i)
      rows[i] = load_floats<kWidth>(x + chunk.x + std::uint64_t{window * kPool + i} * channels);
    if (others != nullptr) other = load_floats<kWidth>(others + std::uint64_t{window} * channels);
  }
};

// visit(window, FetchedWindow) of each of the thread's windows of a chunk, in their order; kAhead of them are on their
// way at once. prepare() makes and returns `visit`; what it reads of memory is waited for with the first windows.
template <int kWidth, int kPool, unsigned kAhead, class Prepare>
__device__ __forceinline__ auto for_each_window(const WindowChunk<kWidth, kPool>& chunk, unsigned channels,
                                                const float* __restrict__ x, const float* __restrict__ others,
                                                const Prepare& prepare) {
  constexpr unsigned kStep = RowTile<kWidth>::kRowLanes;
  FetchedWindow<kWidth, kPool> windows[kAhead];
  const auto fetch = [&](unsigned first) {
    SIMT_UNROLL
    for (unsigned i = 0; i < kAhead; ++i) windows[i].fetch(chunk, channels, first + i * kStep, x, others);
  };
  fetch(threadIdx.y);
  const auto visit = prepare();
  for (unsigned first = threadIdx.y; first < chunk.windows; first += kAhead * kStep) {
    SIMT_UNROLL
    for (unsigned i = 0; i < kAhead; ++i)
      if (first + i * kStep < chunk.windows) visit(first + i * kStep, windows[i]);
    fetch(first + kAhead * kStep);
  }
  return visit;
}

inline constexpr unsigned kApplyWindows = 64;  // of a chunk

// y, one value per window, plus `added` (windows of a record, C) where it is not null. One block: a chunk of a tile of
// channels; no shared memory.
template <int kWidth, int kPool>
__global__ void __launch_bounds__(kTileThreads)
    batch_norm_apply_kernel(WindowGrid grid, BatchNormChannels at, const float* __restrict__ x,
                            const float* __restrict__ added, float* __restrict__ y) {
  const WindowChunk<kWidth, kPool> chunk(grid);
  if (!chunk.inside) return;
  const float* const terms =
      added == nullptr ? nullptr : added + chunk.first * std::int64_t{grid.channels} + chunk.channel;
  for_each_window<kWidth, kPool, 2>(chunk, grid.channels, x, terms, [&] {
    return [&, k = BatchNormCoefficients<kWidth>(at, chunk.channel)](unsigned window, const auto& fetched) {
      Floats<kWidth> result;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        largest<kWidth, kPool>(k, fetched.rows, j, result.at[j]);
        if (added != nullptr) result.at[j] += fetched.other.at[j];
      }
      store_floats<kWidth>(y + chunk.y + std::uint64_t{window} * grid.channels, result);
    };
  });
}

// Where the sums of the gradient go: to the parameters' gradients,
struct BatchNormGradients {
  float* dgamma;
  float* dbeta;
  template <int kWidth>
  __device__ void operator()(unsigned channel, const Floats<kWidth> (&sums)[2]) const {
    add_floats<kWidth>(dbeta + channel, sums[0]);
    add_floats<kWidth>(dgamma + channel, sums[1]);
  }
};
// and to the next kernel.
struct BatchNormFinish {
  float* sum;
  float* product;
  BatchNormGradients parameters;
  template <int kWidth>
  __device__ void operator()(unsigned channel, const Floats<kWidth> (&sums)[2]) const {
    store_floats<kWidth>(sum + channel, sums[0]);
    store_floats<kWidth>(product + channel, sums[1]);
    parameters(channel, sums);
  }
};

inline constexpr unsigned kSumRows = 256;  // of a chunk

// Adds the gradient and its product with the normalized value, over the thread's rows of a chunk.
template <int kWidth, int kPool, unsigned kAhead>
__device__ __forceinline__ void add_gradients(const WindowChunk<kWidth, kPool>& chunk, unsigned channels,
                                              const BatchNormChannels& at, const float* __restrict__ x,
                                              const float* __restrict__ dy, Floats<kWidth> (&sums)[2]) {
  for_each_window<kWidth, kPool, kAhead>(chunk, channels, x, dy + chunk.y, [&] {
    return [&, k = BatchNormCoefficients<kWidth>(at, chunk.channel)](unsigned, const auto& fetched) {
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        float output = 0;
        const int place = largest<kWidth, kPool>(k, fetched.rows, j, output);
        const float gradient = k.relu && output <= 0.0F ? 0.0F : fetched.other.at[j];
        float winner = fetched.rows[0].at[j];
        SIMT_UNROLL
        for (int i = 1; i < kPool; ++i) winner = place == i ? fetched.rows[i].at[j] : winner;
        sums[0].at[j] += gradient;
        sums[1].at[j] += gradient * k.normal(winner, j);
      }
    };
  });
}

// dx of a thread's rows, from the sums over all rows; `weight` is 1 / rows, or 0 where the statistics are constants.
template <int kWidth, int kPool>
struct GradientWriter {
  BatchNormCoefficients<kWidth> k;
  Floats<kWidth> offset;
  Floats<kWidth> slope;
  float* dx;  // of the chunk's first row and the thread's channels
  unsigned channels;

  __device__ __forceinline__ GradientWriter(const BatchNormCoefficients<kWidth>& coefficients, float weight,
                                            const Floats<kWidth>& sum, const Floats<kWidth>& product, float* to,
                                            unsigned channels_)
      : k(coefficients), dx(to), channels(channels_) {
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      offset.at[j] = sum.at[j] * weight;
      slope.at[j] = product.at[j] * (weight * k.inverse.at[j]);
    }
  }
  __device__ __forceinline__ float* row_at(unsigned index) const { return dx + std::uint64_t{index} * channels; }
  __device__ __forceinline__ void write(const Floats<kWidth>& row, const Floats<kWidth>& above, float* to) const {
    Floats<kWidth> result;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      const float through_statistics = offset.at[j] + (row.at[j] - k.mean.at[j]) * slope.at[j];
      result.at[j] = k.scale.at[j] * (above.at[j] - through_statistics);
    }
    store_floats<kWidth>(to, result);
  }
  __device__ __forceinline__ void operator()(unsigned window, const FetchedWindow<kWidth, kPool>& fetched) const {
    Floats<kWidth> gradients[kPool];
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      float output = 0;
      const int place = largest<kWidth, kPool>(k, fetched.rows, j, output);
      const float gradient = k.relu && output <= 0.0F ? 0.0F : fetched.other.at[j];
      SIMT_UNROLL
      for (int i = 0; i < kPool; ++i) gradients[i].at[j] = place == i ? gradient : 0.0F;
    }
    float* const first = row_at(window * kPool);
    SIMT_UNROLL
    for (unsigned i = 0; i < kPool; ++i) write(fetched.rows[i], gradients[i], first + std::uint64_t{channels} * i);
  }
};

// dx of the thread's rows of a chunk by the GradientWriter that prepare() makes. Rows behind the last window of a
// record have only the gradient through the statistics.
template <int kWidth, int kPool, unsigned kAhead, class Prepare>
__device__ __forceinline__ void write_gradients(const WindowChunk<kWidth, kPool>& chunk, unsigned channels,
                                                const float* __restrict__ x, const float* __restrict__ dy,
                                                const Prepare& prepare) {
  const auto writer = for_each_window<kWidth, kPool, kAhead>(chunk, channels, x, dy + chunk.y, prepare);
  for (unsigned row = chunk.windows * kPool + threadIdx.y; row < chunk.rows; row += RowTile<kWidth>::kRowLanes)
    writer.write(load_floats<kWidth>(x + chunk.x + std::uint64_t{row} * channels), {}, writer.row_at(row));
}

// Sums of the gradient and of its product with the normalized value. One block: a chunk of a tile of channels; the last
// block of a tile adds up the chunks. Shared memory 4 KiB.
template <int kWidth, int kPool>
__global__ void __launch_bounds__(kTileThreads)
    batch_norm_sums_kernel(WindowGrid grid, BatchNormChannels at, const float* __restrict__ x,
                           const float* __restrict__ dy, ColumnPartials partials, BatchNormFinish finish) {
  const WindowChunk<kWidth, kPool> chunk(grid);
  Floats<kWidth> sums[2] = {};
  if (chunk.inside) add_gradients<kWidth, kPool, 2>(chunk, grid.channels, at, x, dy, sums);
  finish_column_sums<2, kWidth>(sums, blockIdx.x, gridDim.x, grid.channels, partials, finish);
}

// dx of every row. One block: a chunk of a tile of channels; no shared memory.
template <int kWidth, int kPool>
__global__ void __launch_bounds__(kTileThreads, 4)
    batch_norm_gradient_kernel(WindowGrid grid, BatchNormChannels at, float weight, const float* __restrict__ sum,
                               const float* __restrict__ product, const float* __restrict__ x,
                               const float* __restrict__ dy, float* __restrict__ dx) {
  const WindowChunk<kWidth, kPool> chunk(grid);
  if (!chunk.inside) return;
  write_gradients<kWidth, kPool, 1>(chunk, grid.channels, x, dy, [&] {
    const Floats<kWidth> sums = load_floats<kWidth>(sum + chunk.channel);
    const Floats<kWidth> products = load_floats<kWidth>(product + chunk.channel);
    return GradientWriter<kWidth, kPool>({at, chunk.channel}, weight, sums, products, dx + chunk.x, grid.channels);
  });
}

// Both in one launch, where a chunk holds all rows: they are read again from the first cache. One block: a tile of
// channels. Shared memory 4 KiB. So few blocks may have all registers.
template <int kWidth, int kPool>
__global__ void __launch_bounds__(kTileThreads, 1)
    batch_norm_chunk_backward_kernel(WindowGrid grid, BatchNormChannels at, float weight, const float* __restrict__ x,
                                     const float* __restrict__ dy, BatchNormGradients parameters,
                                     float* __restrict__ dx) {
  const WindowChunk<kWidth, kPool> chunk(grid);
  Floats<kWidth> sums[2] = {};
  if (chunk.inside) add_gradients<kWidth, kPool, 4>(chunk, grid.channels, at, x, dy, sums);
  finish_column_sums<2, kWidth>(sums, 0, 1, grid.channels, {}, parameters);
  if (!chunk.inside) return;
  write_gradients<kWidth, kPool, 4>(chunk, grid.channels, x, dy, [&] {
    return GradientWriter<kWidth, kPool>({at, chunk.channel}, weight, sums[0], sums[1], dx + chunk.x, grid.channels);
  });
}

// The launchers of the kernels above, in windows of kPool of each of `records` records; s.rows = records * time.
// `added` may be null.
template <int kPool>
void batch_norm_apply(const BatchNormShape& s, std::int64_t records, const BatchNormChannels& at, const float* x,
                      const float* added, float* y, Stream stream) {
  const WindowGrid grid = window_grid(s.rows / records, s.channels, kPool, kApplyWindows);
  const auto launch = [&](auto width) {
    simt::launch<batch_norm_apply_kernel<width(), kPool>>(window_blocks<width()>(grid, records),
                                                          RowTile<width()>::block(), 0, stream, grid, at, x, added, y);
  };
  with_width(s.channels, launch, at.gamma, at.beta, at.mean, at.variance, x, added, y);
}

// Sums of the gradient and of its product with the normalized value to `sum` and `product`, (C); dgamma, dbeta +=.
template <int kPool>
void batch_norm_sums(const BatchNormShape& s, std::int64_t records, const BatchNormChannels& at, const float* x,
                     const float* dy, float* sum, float* product, float* dgamma, float* dbeta, Stream stream) {
  const WindowGrid grid = window_grid(s.rows / records, s.channels, kPool, kSumRows / kPool);
  const ColumnPartials partials = column_partials(stream, records * grid.chunks.divisor, 2, s.channels);
  const auto launch = [&](auto width) {
    simt::launch<batch_norm_sums_kernel<width(), kPool>>(window_blocks<width()>(grid, records),
                                                         RowTile<width()>::block(), 0, stream, grid, at, x, dy,
                                                         partials, BatchNormFinish{sum, product, {dgamma, dbeta}});
  };
  with_width(s.channels, launch, at.gamma, at.beta, at.mean, at.variance, x, dy, sum, product, dgamma, dbeta);
}

// dx from these sums; `weight` is 1 over the rows that they are of, or 0 where the statistics are constants.
template <int kPool>
void batch_norm_rows(const BatchNormShape& s, std::int64_t records, float weight, const BatchNormChannels& at,
                     const float* x, const float* dy, const float* sum, const float* product, float* dx,
                     Stream stream) {
  const WindowGrid grid = window_grid(s.rows / records, s.channels, kPool, kApplyWindows);
  const auto launch = [&](auto width) {
    simt::launch<batch_norm_gradient_kernel<width(), kPool>>(window_blocks<width()>(grid, records),
                                                             RowTile<width()>::block(), 0, stream, grid, at, weight,
                                                             sum, product, x, dy, dx);
  };
  with_width(s.channels, launch, at.gamma, at.beta, at.mean, at.variance, x, dy, sum, product, dx);
}

// Both backward directions: `training` with the gradient through the statistics.
template <int kPool>
void batch_norm_gradient(const BatchNormShape& s, std::int64_t records, bool training, const BatchNormChannels& at,
                         const float* x, const float* dy, float* dx, float* dgamma, float* dbeta, Stream stream) {
  const float weight = training ? 1.0F / static_cast<float>(s.rows) : 0.0F;
  if (records == 1 && s.rows <= kBatchNormChunk) {
    const WindowGrid grid = window_grid(s.rows / records, s.channels, kPool, kSumRows / kPool);
    const auto launch = [&](auto width) {
      simt::launch<batch_norm_chunk_backward_kernel<width(), kPool>>(
          window_blocks<width()>(grid, records), RowTile<width()>::block(), 0, stream, grid, at, weight, x, dy,
          BatchNormGradients{dgamma, dbeta}, dx);
    };
    with_width(s.channels, launch, at.gamma, at.beta, at.mean, at.variance, x, dy, dx, dgamma, dbeta);
    return;
  }
  const std::int64_t pitch = (s.channels + 3) / 4 * 4;
  float* sum = cuda_scratch(stream, CudaScratchUse::kCoefficients, 2 * pitch);
  float* product = sum + pitch;
  batch_norm_sums<kPool>(s, records, at, x, dy, sum, product, dgamma, dbeta, stream);
  batch_norm_rows<kPool>(s, records, weight, at, x, dy, sum, product, dx, stream);
}

// mean, variance and the running statistics from the rows of x: one launch, in batch_norm.cu.
void batch_norm_statistics_cuda(const BatchNormShape& s, const float* x, float* running_mean, float* running_var,
                                float* mean, float* variance, Stream stream);

}  // namespace cardiograd::kernels
