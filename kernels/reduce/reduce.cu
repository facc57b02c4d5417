// Reductions on the GPU, in fixed trees.
#include <cstdint>

#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/reduce/reduce.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// One block: kColumnTile channels of one record; thread (x, y): channel x, every kRowLanes-th sample from y. Shared
// memory 1 KiB.
static __global__ void __launch_bounds__(kColumnTile* kRowLanes)
    mean_time_kernel(std::int64_t time, std::int64_t channels, const float* x, float* y) {
  SIMT_SHARED(float, lanes, [kRowLanes][kColumnTile]);
  const std::int64_t channel = std::int64_t{blockIdx.y} * kColumnTile + threadIdx.x;
  const float* record = x + std::int64_t{blockIdx.x} * time * channels;
  float sum = 0;
  if (channel < channels)
    for (std::int64_t t = threadIdx.y; t < time; t += kRowLanes) sum += record[t * channels + channel];
  lanes[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || channel >= channels) return;
  float total = 0;
  for (int lane = 0; lane < kRowLanes; ++lane) total += lanes[lane][threadIdx.x];
  y[blockIdx.x * channels + channel] = total / static_cast<float>(time);
}

struct MeanTimeBackwardBody {
  const float* dy;
  std::int64_t time;
  std::int64_t channels;
  float* dx;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t record = i / (time * channels);
    dx[i] = dy[record * channels + i % channels] / static_cast<float>(time);
  }
};

inline constexpr int kNormThreads = 256;
inline constexpr int kNormPerBlock = 4096;

// One block: the squares of kNormPerBlock elements (kSquare), or the sum of all partial sums in one block. Shared
// memory 128 bytes.
template <bool kSquare>
__global__ void __launch_bounds__(kNormThreads)
    norm_kernel(std::int64_t count, std::int64_t per_block, const float* x, float* sums) {
  const std::int64_t first = blockIdx.x * per_block;
  const std::int64_t last = first + per_block < count ? first + per_block : count;
  float sum = 0;
  for (std::int64_t i = first + threadIdx.x; i < last; i += kNormThreads) sum += kSquare ? x[i] * x[i] : x[i];
  sum = block_sum<kNormThreads>(sum);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

struct ScaleBody {
  float factor;
  float* x;
  __device__ void operator()(std::int64_t i) const { x[i] *= factor; }
};

void mean_time_forward_cuda(const MeanTimeShape& s, const float* x, float* y, Stream stream) {
  if (s.batch == 0) return;
  const unsigned tiles = blocks_for(s.channels, kColumnTile);
  simt::launch<mean_time_kernel>(dim3(static_cast<unsigned>(s.batch), tiles), dim3(kColumnTile, kRowLanes), 0, stream,
                                 s.time, s.channels, x, y);
}

void mean_time_backward_cuda(const MeanTimeShape& s, const float* dy, float* dx, Stream stream) {
  for_each_element(s.batch * s.time * s.channels, stream, MeanTimeBackwardBody{dy, s.time, s.channels, dx});
}

void squared_norm_forward_cuda(const SquaredNormShape& s, const float* x, float* y, Stream stream) {
  const unsigned blocks = blocks_for(s.count, kNormPerBlock);
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, blocks);
  if (blocks > 0)
    simt::launch<norm_kernel<true>>(dim3(blocks), dim3(kNormThreads), 0, stream, s.count, kNormPerBlock, x, partial);
  simt::launch<norm_kernel<false>>(dim3(1), dim3(kNormThreads), 0, stream, std::int64_t{blocks}, std::int64_t{blocks},
                                   partial, y);
}

void scale_forward_cuda(const ScaleShape& s, float* x, Stream stream) {
  for_each_element(s.count, stream, ScaleBody{s.factor, x});
}

}  // namespace cardiograd::kernels
