// Batch normalization on the GPU.
//
// Statistics: a chunk of rows finds its own mean in a first pass and, in a second, the sum and the squares of the
// deviations from it; chunks are combined in double in their order (Chan, Golub and LeVeque, 1983). The trees are fixed
// by the shape. E[x^2] - E[x]^2 would lose every digit of a small variance beside a large mean.
#include <cstdint>

#include "kernels/batch_norm/batch_norm.h"
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// The sum of one value per thread over the row lanes of a (kColumnTile, kRowLanes) block, in all threads of a column.
__device__ inline float sum_row_lanes(float (&lanes)[kRowLanes][kColumnTile], float value) {
  __syncthreads();
  lanes[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  float total = 0;
  for (int lane = 0; lane < kRowLanes; ++lane) total += lanes[lane][threadIdx.x];
  return total;
}

// One block: kRowsPerChunk rows of kColumnTile channels; thread (x, y): channel x, every kRowLanes-th row from y.
// Shared memory 1 KiB. partial (chunk, 3, C): about the mean; the sum and the squares of x minus that.
static __global__ void __launch_bounds__(kColumnTile* kRowLanes)
    batch_norm_statistics_kernel(std::int64_t rows, std::int64_t channels, const float* x, float* partial) {
  SIMT_SHARED(float, lanes, [kRowLanes][kColumnTile]);
  const std::int64_t channel = std::int64_t{blockIdx.y} * kColumnTile + threadIdx.x;
  const std::int64_t first = std::int64_t{blockIdx.x} * kRowsPerChunk;
  const std::int64_t last = channel >= channels ? first : first + kRowsPerChunk < rows ? first + kRowsPerChunk : rows;
  const std::int64_t count = first + kRowsPerChunk < rows ? kRowsPerChunk : rows - first;
  float sum = 0;
  for (std::int64_t row = first + threadIdx.y; row < last; row += kRowLanes) sum += x[row * channels + channel];
  const float pivot = sum_row_lanes(lanes, sum) / static_cast<float>(count);
  sum = 0;
  float squares = 0;
  for (std::int64_t row = first + threadIdx.y; row < last; row += kRowLanes) {
    const float deviation = x[row * channels + channel] - pivot;
    sum += deviation;
    squares += deviation * deviation;
  }
  sum = sum_row_lanes(lanes, sum);
  squares = sum_row_lanes(lanes, squares);
  if (threadIdx.y != 0 || channel >= channels) return;
  float* to = partial + std::int64_t{blockIdx.x} * 3 * channels + channel;
  to[0] = pivot;
  to[channels] = sum;
  to[2 * channels] = squares;
}

struct BatchNormStatistics {
  const float* partial;
  float momentum;
  float* running_mean;
  float* running_var;
  float* mean;
  float* variance;
};

// One thread: one channel.
static __global__ void __launch_bounds__(kColumnTile)
    batch_norm_combine_kernel(std::int64_t rows, std::int64_t channels, BatchNormStatistics at) {
  const std::int64_t channel = std::int64_t{blockIdx.x} * kColumnTile + threadIdx.x;
  if (channel >= channels) return;
  const std::int64_t chunks = (rows + kRowsPerChunk - 1) / kRowsPerChunk;
  const auto value = [&](std::int64_t chunk, int which) {
    return static_cast<double>(at.partial[(chunk * 3 + which) * channels + channel]);
  };
  const auto rows_of = [&](std::int64_t chunk) {
    return static_cast<double>(chunk + 1 < chunks ? kRowsPerChunk : rows - chunk * kRowsPerChunk);
  };
  double mean = 0;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) mean += rows_of(chunk) * value(chunk, 0) + value(chunk, 1);
  mean /= static_cast<double>(rows);
  double squares = 0;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    // The chunk's squares about its exact mean, and those of that mean about the mean of all.
    const double offset = value(chunk, 1) / rows_of(chunk);
    const double between = value(chunk, 0) + offset - mean;
    squares += value(chunk, 2) - rows_of(chunk) * offset * offset + rows_of(chunk) * between * between;
  }
  at.mean[channel] = static_cast<float>(mean);
  at.variance[channel] = static_cast<float>(squares / static_cast<double>(rows));
  const float unbiased = static_cast<float>(squares / static_cast<double>(rows - 1));
  at.running_mean[channel] = (1.0F - at.momentum) * at.running_mean[channel] + at.momentum * static_cast<float>(mean);
  at.running_var[channel] = (1.0F - at.momentum) * at.running_var[channel] + at.momentum * unbiased;
}

// inverse[c] = 1 / sqrt(variance[c] + epsilon), element by element.
struct BatchNormInverseBody {
  const float* variance;
  float epsilon;
  float* inverse;
  __device__ void operator()(std::int64_t c) const { inverse[c] = 1.0F / sqrtf(variance[c] + epsilon); }
};

// What normalizes a channel; `value` is the one before ReLU, in the forward and backward direction the same bits.
struct BatchNormChannels {
  std::int64_t channels;
  bool relu;
  const float* gamma;
  const float* beta;
  const float* mean;
  const float* inverse;
  __device__ float value(float x, std::int64_t c) const { return (x - mean[c]) * (gamma[c] * inverse[c]) + beta[c]; }
  __device__ float gradient(float x, float dy, std::int64_t c) const { return relu && value(x, c) <= 0.0F ? 0.0F : dy; }
  __device__ float normal(float x, std::int64_t c) const { return (x - mean[c]) * inverse[c]; }
};

// y, element by element.
struct BatchNormApplyBody {
  BatchNormChannels at;
  const float* x;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const float value = at.value(x[i], i % at.channels);
    y[i] = at.relu && value <= 0.0F ? 0.0F : value;
  }
};

// Sums of the gradient and of its product with the normalized value, through column_sums.
struct BatchNormLoad {
  BatchNormChannels at;
  const float* x;
  const float* dy;
  __device__ ColumnSums<2> operator()(std::int64_t row, std::int64_t c) const {
    const std::int64_t i = row * at.channels + c;
    const float gradient = at.gradient(x[i], dy[i], c);
    return {{gradient, gradient * at.normal(x[i], c)}};
  }
};
struct BatchNormFinish {
  float* sum;
  float* product;
  float* dgamma;
  float* dbeta;
  __device__ void operator()(std::int64_t c, const ColumnSums<2>& sums) const {
    sum[c] = sums.value[0];
    product[c] = sums.value[1];
    dbeta[c] += sums.value[0];
    dgamma[c] += sums.value[1];
  }
};

// dx, element by element; `weight` is 1 / rows, or 0 where the statistics are constants.
struct BatchNormGradientBody {
  BatchNormChannels at;
  float weight;
  const float* sum;
  const float* product;
  const float* x;
  const float* dy;
  float* dx;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t c = i % at.channels;
    const float through_statistics = (sum[c] + at.normal(x[i], c) * product[c]) * weight;
    dx[i] = at.gamma[c] * at.inverse[c] * (at.gradient(x[i], dy[i], c) - through_statistics);
  }
};

namespace {

// Fills the working memory with 1 / sqrt(variance + epsilon); behind it lie 2 C floats for sums.
BatchNormChannels channels_of(const BatchNormShape& s, const float* gamma, const float* beta, const float* mean,
                              const float* variance, Stream stream) {
  float* inverse = cuda_scratch(stream, CudaScratchUse::kCoefficients, 3 * s.channels);
  for_each_element(s.channels, stream, BatchNormInverseBody{variance, static_cast<float>(s.epsilon), inverse});
  return {s.channels, s.relu, gamma, beta, mean, inverse};
}

void gradient(const BatchNormShape& s, float weight, const BatchNormChannels& at, const float* x, const float* dy,
              float* dx, float* dgamma, float* dbeta, Stream stream) {
  float* sum = cuda_scratch(stream, CudaScratchUse::kCoefficients, 3 * s.channels) + s.channels;
  float* product = sum + s.channels;
  column_sums<2>(s.rows, s.channels, stream, BatchNormLoad{at, x, dy}, BatchNormFinish{sum, product, dgamma, dbeta});
  for_each_element(s.rows * s.channels, stream, BatchNormGradientBody{at, weight, sum, product, x, dy, dx});
}

}  // namespace

void batch_norm_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                             float* running_mean, float* running_var, float* y, float* mean, float* variance,
                             Stream stream) {
  const unsigned chunks = blocks_for(s.rows, kRowsPerChunk);
  const unsigned tiles = blocks_for(s.channels, kColumnTile);
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, std::int64_t{chunks} * 3 * s.channels);
  simt::launch<batch_norm_statistics_kernel>(dim3(chunks, tiles), dim3(kColumnTile, kRowLanes), 0, stream, s.rows,
                                             s.channels, x, partial);
  simt::launch<batch_norm_combine_kernel>(
      dim3(tiles), dim3(kColumnTile), 0, stream, s.rows, s.channels,
      BatchNormStatistics{partial, static_cast<float>(s.momentum), running_mean, running_var, mean, variance});
  for_each_element(s.rows * s.channels, stream,
                   BatchNormApplyBody{channels_of(s, gamma, beta, mean, variance, stream), x, y});
}

void batch_norm_eval_forward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                  const float* running_mean, const float* running_var, float* y, Stream stream) {
  for_each_element(s.rows * s.channels, stream,
                   BatchNormApplyBody{channels_of(s, gamma, beta, running_mean, running_var, stream), x, y});
}

void batch_norm_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                              const float* mean, const float* variance, const float* dy, float* dx, float* dgamma,
                              float* dbeta, Stream stream) {
  gradient(s, 1.0F / static_cast<float>(s.rows), channels_of(s, gamma, beta, mean, variance, stream), x, dy, dx, dgamma,
           dbeta, stream);
}

void batch_norm_eval_backward_cuda(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                                   const float* running_mean, const float* running_var, const float* dy, float* dx,
                                   float* dgamma, float* dbeta, Stream stream) {
  gradient(s, 0.0F, channels_of(s, gamma, beta, running_mean, running_var, stream), x, dy, dx, dgamma, dbeta, stream);
}

}  // namespace cardiograd::kernels
