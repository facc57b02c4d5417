// chunks: the statistics of pieces of the rows, in many blocks at once, combined by Chan's formula.
//
//   a block     the statistics of 256 rows of 32 channels, in two passes about the chunk's own mean, of which the
//               second finds its rows in the cache; a second kernel combines the chunks, in double
//   a thread    (x, y): every 8th row of channel x; the eight sums of a channel meet in shared memory. In the second
//               kernel a channel, one chunk after the other; in the third (batch_norm_ladder.cuh) an element of y
//   shared      1 KiB
//   takes       any shape
//
// Beats two_passes by its threads: 128,000 at the first convolution instead of 64, so that memory and not its latency
// is the limit. What is left: accesses of 4 bytes, x requested three times, a combine in which 64 threads go over 250
// chunks twice, each addition behind the last, and a 64-bit division per element of y.
#include "kernels/batch_norm/ladder/batch_norm_ladder.cuh"
#include "kernels/batch_norm/ladder/batch_norm_ladder.h"
#include "kernels/common/grid.cuh"

namespace cardiograd::kernels {

inline constexpr int kChunkChannels = 32;
inline constexpr int kChunkLanes = 8;
inline constexpr int kChunkRows = 256;

// The sum of one value per thread over the row lanes of a block, in all threads of a column.
__device__ inline float sum_chunk_lanes(float (&lanes)[kChunkLanes][kChunkChannels], float value) {
  __syncthreads();
  lanes[threadIdx.y][threadIdx.x] = value;
  __syncthreads();
  float total = 0;
  for (int lane = 0; lane < kChunkLanes; ++lane) total += lanes[lane][threadIdx.x];
  return total;
}

// partial (chunk, 3, C): about the mean; the sum and the squares of x minus that.
static __global__ void __launch_bounds__(kChunkChannels* kChunkLanes)
    chunk_statistics_kernel(std::int64_t rows, std::int64_t channels, const float* x, float* partial) {
  SIMT_SHARED(float, lanes, [kChunkLanes][kChunkChannels]);
  const std::int64_t channel = std::int64_t{blockIdx.y} * kChunkChannels + threadIdx.x;
  const std::int64_t first = std::int64_t{blockIdx.x} * kChunkRows;
  const std::int64_t count = first + kChunkRows < rows ? kChunkRows : rows - first;
  const std::int64_t last = channel < channels ? first + count : first;
  float sum = 0;
  for (std::int64_t row = first + threadIdx.y; row < last; row += kChunkLanes) sum += x[row * channels + channel];
  const float pivot = sum_chunk_lanes(lanes, sum) / static_cast<float>(count);
  sum = 0;
  float squares = 0;
  for (std::int64_t row = first + threadIdx.y; row < last; row += kChunkLanes) {
    const float deviation = x[row * channels + channel] - pivot;
    sum += deviation;
    squares += deviation * deviation;
  }
  sum = sum_chunk_lanes(lanes, sum);
  squares = sum_chunk_lanes(lanes, squares);
  if (threadIdx.y != 0 || channel >= channels) return;
  float* to = partial + std::int64_t{blockIdx.x} * 3 * channels + channel;
  to[0] = pivot;
  to[channels] = sum;
  to[2 * channels] = squares;
}

static __global__ void __launch_bounds__(kChunkChannels)
    chunk_combine_kernel(std::int64_t rows, std::int64_t channels, const float* partial, LadderStatistics at) {
  const std::int64_t channel = std::int64_t{blockIdx.x} * kChunkChannels + threadIdx.x;
  if (channel >= channels) return;
  const std::int64_t chunks = (rows + kChunkRows - 1) / kChunkRows;
  const auto value = [&](std::int64_t chunk, int which) {
    return static_cast<double>(partial[(chunk * 3 + which) * channels + channel]);
  };
  const auto rows_of = [&](std::int64_t chunk) {
    return static_cast<double>(chunk + 1 < chunks ? kChunkRows : rows - chunk * kChunkRows);
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
  at.finish(rows, channel, mean, squares);
}

void batch_norm_forward_chunks(const BatchNormShape& s, const float* x, const float* gamma, const float* beta,
                               float* running_mean, float* running_var, float* y, float* mean, float* variance,
                               Stream stream) {
  const unsigned chunks = blocks_for(s.rows, kChunkRows);
  const unsigned tiles = blocks_for(s.channels, kChunkChannels);
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, std::int64_t{chunks} * 3 * s.channels);
  simt::launch<chunk_statistics_kernel>(dim3(chunks, tiles), dim3(kChunkChannels, kChunkLanes), 0, stream, s.rows,
                                        s.channels, x, partial);
  simt::launch<chunk_combine_kernel>(
      dim3(tiles), dim3(kChunkChannels), 0, stream, s.rows, s.channels, partial,
      LadderStatistics{static_cast<float>(s.momentum), running_mean, running_var, mean, variance});
  ladder_apply(s, x, gamma, beta, mean, variance, y, stream);
}

}  // namespace cardiograd::kernels
