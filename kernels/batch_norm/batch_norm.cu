// Batch normalization on the GPU: statistics in one launch, y in the next; the sums of the gradient in one, dx in the
// next (batch_norm_cuda.cuh). Where one block holds all rows, one launch each way. The trees are fixed by the shape.
//
// Statistics: a block keeps a chunk of rows in registers, finds their mean and from it the squares of the deviations;
// the last block of a tile of channels merges the chunks (Chan, Golub and LeVeque, 1983). A chunk's mean is kept in two
// floats, so that a mean which is large beside the deviation costs no digits; E[x^2] - E[x]^2 would lose all of them.
#include <cstdint>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/batch_norm/batch_norm_cuda.cuh"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/last_block_cuda.cuh"
#include "kernels/common/moments_cuda.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kStatisticsRows = kBatchNormChunk;  // of a chunk

struct BatchNormStatistics {
  float* partial;     // (chunk, 3, C): center, offset and squares of each chunk
  unsigned* arrived;  // per tile
  float momentum;
  float* running_mean;
  float* running_var;
  float* mean;
  float* variance;

  template <int kWidth>
  __device__ void finish(std::int64_t rows, unsigned channel, const Moments (&all)[kWidth]) const {
    Floats<kWidth> center;
    Floats<kWidth> biased;
    Floats<kWidth> run_mean = load_floats<kWidth>(running_mean + channel);
    Floats<kWidth> run_var = load_floats<kWidth>(running_var + channel);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      center.at[j] = all[j].center + all[j].offset;
      biased.at[j] = all[j].squares / static_cast<float>(rows);
      const float unbiased = all[j].squares / static_cast<float>(rows - 1);
      run_mean.at[j] = (1.0F - momentum) * run_mean.at[j] + momentum * center.at[j];
      run_var.at[j] = (1.0F - momentum) * run_var.at[j] + momentum * unbiased;
    }
    store_floats<kWidth>(mean + channel, center);
    store_floats<kWidth>(variance + channel, biased);
    store_floats<kWidth>(running_mean + channel, run_mean);
    store_floats<kWidth>(running_var + channel, run_var);
  }
};

// The rows of chunk `chunk`.
__device__ inline unsigned rows_of_chunk(std::int64_t rows, unsigned chunk) {
  const std::int64_t left = rows - std::int64_t{chunk} * kStatisticsRows;
  return static_cast<unsigned>(left < kStatisticsRows ? left : kStatisticsRows);
}

// All chunks, merged: each row lane merges every kRowLanes-th, lane 0 the lanes. In threads of lane 0 only.
template <int kWidth>
__device__ void merge_chunks(std::int64_t rows, unsigned channels, unsigned channel, const BatchNormStatistics& at,
                             Moments (&all)[kWidth]) {
  using Tile = RowTile<kWidth>;
  SIMT_SHARED(float, centers, [Tile::kRowLanes][Tile::kColumns]);
  SIMT_SHARED(float, offsets, [Tile::kRowLanes][Tile::kColumns]);
  SIMT_SHARED(float, squares, [Tile::kRowLanes][Tile::kColumns]);
  SIMT_SHARED(float, counts, [Tile::kRowLanes]);
  const unsigned x = threadIdx.x * kWidth;
  if (channel < channels) {
    for (unsigned chunk = threadIdx.y; chunk < gridDim.x; chunk += Tile::kRowLanes) {
      const float* from = at.partial + std::uint64_t{chunk} * 3 * channels + channel;
      const Floats<kWidth> center = load_floats<kWidth>(from);
      const Floats<kWidth> offset = load_floats<kWidth>(from + channels);
      const Floats<kWidth> square = load_floats<kWidth>(from + 2 * channels);
      const auto count = static_cast<float>(rows_of_chunk(rows, chunk));
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) all[j].merge({count, center.at[j], offset.at[j], square.at[j]});
    }
    Floats<kWidth> center;
    Floats<kWidth> offset;
    Floats<kWidth> square;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      center.at[j] = all[j].center;
      offset.at[j] = all[j].offset;
      square.at[j] = all[j].squares;
    }
    store_floats<kWidth>(&centers[threadIdx.y][x], center);
    store_floats<kWidth>(&offsets[threadIdx.y][x], offset);
    store_floats<kWidth>(&squares[threadIdx.y][x], square);
    if (threadIdx.x == 0) counts[threadIdx.y] = all[0].count;
  }
  __syncthreads();
  if (threadIdx.y != 0 || channel >= channels) return;
  for (int lane = 1; lane < Tile::kRowLanes; ++lane) {
    const Floats<kWidth> center = load_floats<kWidth>(&centers[lane][x]);
    const Floats<kWidth> offset = load_floats<kWidth>(&offsets[lane][x]);
    const Floats<kWidth> square = load_floats<kWidth>(&squares[lane][x]);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) all[j].merge({counts[lane], center.at[j], offset.at[j], square.at[j]});
  }
}

// kStatisticsRows rows of a tile of channels, in the registers of a block.
template <int kWidth>
struct RowChunk {
  using Tile = RowTile<kWidth>;
  static constexpr int kPerThread = kStatisticsRows / Tile::kRowLanes;
  unsigned channel;
  bool inside;
  unsigned count;  // rows
  Floats<kWidth> values[kPerThread];

  __device__ __forceinline__ RowChunk(std::int64_t rows, unsigned channels, const float* __restrict__ x)
      : channel(blockIdx.y * Tile::kColumns + threadIdx.x * kWidth),
        inside(channel < channels),
        count(rows_of_chunk(rows, blockIdx.x)) {
    const float* from = x + std::int64_t{blockIdx.x} * kStatisticsRows * channels + channel;
    SIMT_UNROLL
    for (int i = 0; i < kPerThread; ++i)
      if (is_row(i)) values[i] = load_floats<kWidth>(from + std::uint64_t{row_of(i)} * channels);
  }
  __device__ __forceinline__ static unsigned row_of(int i) { return i * Tile::kRowLanes + threadIdx.y; }
  __device__ __forceinline__ bool is_row(int i) const { return inside && row_of(i) < count; }
  __device__ __forceinline__ bool leads() const { return inside && threadIdx.y == 0; }

  // Of the rows, in all threads of a channel. Shared memory 4 KiB.
  __device__ __forceinline__ void moments(Moments (&all)[kWidth]) const {
    SIMT_SHARED(float, lanes, [Tile::kRowLanes][Tile::kColumns]);
    Floats<kWidth> sum = {};
    SIMT_UNROLL
    for (int i = 0; i < kPerThread; ++i) {
      if (!is_row(i)) continue;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) sum.at[j] += values[i].at[j];
    }
    Floats<kWidth> pivot = sum_row_lanes<kWidth>(lanes, sum);
    Floats<kWidth> squares = {};
    sum = {};
    const float weight = 1.0F / static_cast<float>(count);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) pivot.at[j] *= weight;
    SIMT_UNROLL
    for (int i = 0; i < kPerThread; ++i) {
      if (!is_row(i)) continue;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        const float deviation = values[i].at[j] - pivot.at[j];
        sum.at[j] += deviation;
        squares.at[j] += deviation * deviation;
      }
    }
    sum = sum_row_lanes<kWidth>(lanes, sum);
    squares = sum_row_lanes<kWidth>(lanes, squares);
    // The pivot is rounded: what is left of the mean, and the squares about it.
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j)
      all[j] = Moments::about(pivot.at[j], static_cast<float>(count), sum.at[j], squares.at[j]);
  }
};

// One block: kStatisticsRows rows of a tile of channels, in the threads' registers. Shared memory 4 KiB, and 8 KiB more
// in the last block of a tile. Without a number of blocks ptxas keeps to 64 registers on sm_86, and spills.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads, 3)
    batch_norm_statistics_kernel(std::int64_t rows, unsigned channels, const float* __restrict__ x,
                                 BatchNormStatistics at) {
  const RowChunk<kWidth> chunk(rows, channels, x);
  Moments all[kWidth];
  chunk.moments(all);
  if (gridDim.x > 1) {
    if (chunk.leads()) {
      Floats<kWidth> center;
      Floats<kWidth> offset;
      Floats<kWidth> squares;
      SIMT_UNROLL
      for (int j = 0; j < kWidth; ++j) {
        center.at[j] = all[j].center;
        offset.at[j] = all[j].offset;
        squares.at[j] = all[j].squares;
      }
      float* to = at.partial + std::uint64_t{blockIdx.x} * 3 * channels + chunk.channel;
      store_floats<kWidth>(to, center);
      store_floats<kWidth>(to + channels, offset);
      store_floats<kWidth>(to + 2 * channels, squares);
    }
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) all[j] = {};
    if (!is_last_block(at.arrived + blockIdx.y, gridDim.x)) return;
    merge_chunks<kWidth>(rows, channels, chunk.channel, at, all);
  }
  if (chunk.leads()) at.template finish<kWidth>(rows, chunk.channel, all);
}

// Statistics and y in one launch, where a chunk holds all rows. One block: a tile of channels, as above.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    batch_norm_chunk_forward_kernel(std::int64_t rows, unsigned channels, const float* __restrict__ x,
                                    BatchNormStatistics at, BatchNormChannels parameters, float* __restrict__ y) {
  const RowChunk<kWidth> chunk(rows, channels, x);
  Moments all[kWidth];
  chunk.moments(all);
  if (chunk.leads()) at.template finish<kWidth>(rows, chunk.channel, all);
  if (!chunk.inside) return;
  Floats<kWidth> mean;
  Floats<kWidth> variance;
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) {
    mean.at[j] = all[j].center + all[j].offset;
    variance.at[j] = all[j].squares / static_cast<float>(rows);
  }
  const BatchNormCoefficients<kWidth> k(parameters, chunk.channel, mean, variance);
  SIMT_UNROLL
  for (int i = 0; i < RowChunk<kWidth>::kPerThread; ++i) {
    if (!chunk.is_row(i)) continue;
    Floats<kWidth> result;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) result.at[j] = k.output(chunk.values[i].at[j], j);
    store_floats<kWidth>(y + std::uint64_t{chunk.row_of(i)} * channels + chunk.channel, result);
  }
}

void batch_norm_statistics_cuda(const BatchNormShape& s, const float* x, float* running_mean, float* running_var,
                                float* mean, float* variance, Stream stream) {
  const unsigned chunks = blocks_for(s.rows, kStatisticsRows);
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, std::int64_t{chunks} * 3 * s.channels);
  const BatchNormStatistics at = {
      partial, cuda_counters(stream), static_cast<float>(s.momentum), running_mean, running_var, mean, variance};
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    simt::launch<batch_norm_statistics_kernel<width()>>(dim3(chunks, Tile::tiles(s.channels)), Tile::block(), 0, stream,
                                                        s.rows, static_cast<unsigned>(s.channels), x, at);
  };
  with_width(s.channels, launch, x, running_mean, running_var, mean, variance);
}

// One channel. In double: there are few channels.
struct SharedStatisticsBody {
  BatchNormRanks all;
  std::int64_t records;  // batch / ranks, ...
  std::int64_t rest;     // ... and what is left of the batch
  std::int64_t channels;
  double momentum;
  const float* own_of_ranks;
  float* running_mean;
  float* running_var;
  float* mean;
  float* variance;

  // The rows of one rank after the other, without a division: rank r has batch * (r + 1) / ranks - batch * r / ranks
  // records.
  class RankRows {
   public:
    __device__ explicit RankRows(const SharedStatisticsBody& body) : body_(body) {}
    __device__ double next() {
      carry_ += body_.rest;
      const bool one_more = carry_ >= body_.all.ranks;
      if (one_more) carry_ -= body_.all.ranks;
      return static_cast<double>((body_.records + (one_more ? 1 : 0)) * body_.all.time);
    }

   private:
    const SharedStatisticsBody& body_;
    std::int64_t carry_ = 0;
  };
  __device__ double mean_of(int rank, std::int64_t c) const {
    return static_cast<double>(own_of_ranks[2 * rank * channels + c]);
  }
  __device__ void operator()(std::int64_t c) const {
    const auto rows = static_cast<double>(all.batch * all.time);
    double center = 0;
    RankRows rows_of_rank(*this);
    for (int r = 0; r < all.ranks; ++r)
      if (const double own = rows_of_rank.next(); own > 0) center += own * mean_of(r, c);
    center /= rows;
    double squares = 0;
    RankRows again(*this);
    for (int r = 0; r < all.ranks; ++r) {
      const double own = again.next();
      if (own == 0) continue;
      const double between = mean_of(r, c) - center;
      squares += own * (static_cast<double>(own_of_ranks[(2 * r + 1) * channels + c]) + between * between);
    }
    mean[c] = static_cast<float>(center);
    variance[c] = static_cast<float>(squares / rows);
    running_mean[c] = static_cast<float>((1 - momentum) * running_mean[c] + momentum * center);
    running_var[c] = static_cast<float>((1 - momentum) * running_var[c] + momentum * squares / (rows - 1));
  }
};

namespace {

BatchNormChannels channels_of(const BatchNormShape& s, const float* gamma, const float* beta, const float* mean,
                              const float* variance) {
  return {gamma, beta, mean, variance, static_cast<float>(s.epsilon), s.relu};
}

}  // namespace

void batch_norm_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, float* y, float* mean, float* variance,
                             Stream stream) {
  const BatchNormChannels channels = channels_of(s, gamma, beta, mean, variance);
  if (s.rows > kStatisticsRows) {
    batch_norm_statistics_cuda(s, x, running_mean, running_var, mean, variance, stream);
    batch_norm_apply<1>(s, 1, channels, x, nullptr, y, stream);
    return;
  }
  const BatchNormStatistics at = {nullptr, nullptr, static_cast<float>(s.momentum), running_mean, running_var,
                                  mean,    variance};
  const auto launch = [&](auto width) {
    using Tile = RowTile<width()>;
    simt::launch<batch_norm_chunk_forward_kernel<width()>>(dim3(1, Tile::tiles(s.channels)), Tile::block(), 0, stream,
                                                           s.rows, static_cast<unsigned>(s.channels), x, at, channels,
                                                           y);
  };
  with_width(s.channels, launch, x, gamma, beta, running_mean, running_var, y, mean, variance);
}

void batch_norm_eval_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, float* y, Stream stream) {
  batch_norm_apply<1>(s, 1, channels_of(s, gamma, beta, running_mean, running_var), x, nullptr, y, stream);
}

void batch_norm_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                              const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                              float* dbeta, Stream stream) {
  batch_norm_gradient<1>(s, 1, true, channels_of(s, gamma, beta, mean, variance), x, dy, dx, dgamma, dbeta, stream);
}

void batch_norm_eval_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                   const float* running_mean, const float* running_var, const float* dy, float* dx,
                                   float* dgamma, float* dbeta, Stream stream) {
  batch_norm_gradient<1>(s, 1, false, channels_of(s, gamma, beta, running_mean, running_var), x, dy, dx, dgamma, dbeta,
                         stream);
}

void batch_norm_own_statistics_cuda(const BatchNormShape& s, const float* x, float* own, Stream stream) {
  float* const unused = own + 2 * s.channels;
  batch_norm_statistics_cuda(s, x, unused, unused + s.channels, own, own + s.channels, stream);
}

void batch_norm_shared_statistics_cuda(const BatchNormShape& s, const BatchNormRanks& all, const float* own_of_ranks,
                                       float* running_mean, float* running_var, float* mean, float* variance,
                                       Stream stream) {
  for_each_element(s.channels, stream,
                   SharedStatisticsBody{all, all.batch / all.ranks, all.batch % all.ranks, s.channels, s.momentum,
                                        own_of_ranks, running_mean, running_var, mean, variance});
}

void batch_norm_shared_sums_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                 const float* mean, const float* variance, const float* dy, float* sums, float* dgamma,
                                 float* dbeta, Stream stream) {
  batch_norm_sums<1>(s, 1, channels_of(s, gamma, beta, mean, variance), x, dy, sums, sums + s.channels, dgamma, dbeta,
                     stream);
}

void batch_norm_shared_gradient_cuda(const BatchNormShape& s, const BatchNormRanks& all, const float* x,
                                     const float* gamma, const float* beta, const float* mean, const float* variance,
                                     const float* dy, const float* sums, float* dx, Stream stream) {
  const float weight = 1.0F / static_cast<float>(all.rows());
  batch_norm_rows<1>(s, 1, weight, channels_of(s, gamma, beta, mean, variance), x, dy, sums, sums + s.channels, dx,
                     stream);
}

}  // namespace cardiograd::kernels
