// The weighted mean on the GPU, a block per record.
#include <cmath>
#include <cstdint>

#include "kernels/common/grid.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "kernels/softmax_pool/softmax_pool.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kSoftmaxPoolThreads = 128;

// One block: a record. Its weights go to device memory and are read from there. Shared memory 140 bytes.
static __global__ void __launch_bounds__(kSoftmaxPoolThreads)
    softmax_pool_kernel(std::int64_t time, std::int64_t channels, const float* __restrict__ z,
                        const float* __restrict__ x, float* w, float* __restrict__ y) {
  SIMT_SHARED(float, warps, [kSoftmaxPoolThreads / 32]);
  const float* scores = z + blockIdx.x * time;
  float* weights = w + blockIdx.x * time;
  float largest = -INFINITY;
  for (std::int64_t t = threadIdx.x; t < time; t += kSoftmaxPoolThreads) largest = fmaxf(largest, scores[t]);
  largest = warp_max(largest);
  if (lane_of_thread() == 0) warps[warp_of_thread()] = largest;
  __syncthreads();
  SIMT_UNROLL
  for (int i = 0; i < kSoftmaxPoolThreads / 32; ++i) largest = fmaxf(largest, warps[i]);
  float sum = 0;
  for (std::int64_t t = threadIdx.x; t < time; t += kSoftmaxPoolThreads) sum += expf(scores[t] - largest);
  sum = block_sum<kSoftmaxPoolThreads>(sum);
  for (std::int64_t t = threadIdx.x; t < time; t += kSoftmaxPoolThreads) weights[t] = expf(scores[t] - largest) / sum;
  __syncthreads();
  for (std::int64_t c = threadIdx.x; c < channels; c += kSoftmaxPoolThreads) {
    const float* from = x + blockIdx.x * time * channels + c;
    float mean = 0;
    for (std::int64_t t = 0; t < time; ++t) mean += weights[t] * from[t * channels];
    y[blockIdx.x * channels + c] = mean;
  }
}

// One block: a record, a warp every fourth sample. dz holds g until the mean is known. Shared memory 128 bytes.
static __global__ void __launch_bounds__(kSoftmaxPoolThreads)
    softmax_pool_backward_kernel(std::int64_t time, std::int64_t channels, const float* __restrict__ x,
                                 const float* __restrict__ w, const float* __restrict__ dy, float* dz,
                                 float* __restrict__ dx) {
  constexpr int kWarps = kSoftmaxPoolThreads / 32;
  const float* weights = w + blockIdx.x * time;
  const float* gradient = dy + blockIdx.x * channels;
  float* scores = dz + blockIdx.x * time;
  float part = 0;
  for (std::int64_t t = warp_of_thread(); t < time; t += kWarps) {
    const std::int64_t row = (blockIdx.x * time + t) * channels;
    float g = 0;
    for (std::int64_t c = lane_of_thread(); c < channels; c += 32) {
      g += gradient[c] * x[row + c];
      dx[row + c] = weights[t] * gradient[c];
    }
    g = warp_sum(g);
    if (lane_of_thread() != 0) continue;
    scores[t] = g;
    part += weights[t] * g;
  }
  const float mean = block_sum<kSoftmaxPoolThreads>(part);
  for (std::int64_t t = threadIdx.x; t < time; t += kSoftmaxPoolThreads) scores[t] = weights[t] * (scores[t] - mean);
}

void softmax_pool_forward_cuda(const SoftmaxPoolShape& s, const float* z, const float* x, float* w, float* y,
                               Stream stream) {
  if (s.batch * s.time == 0) return;
  simt::launch<softmax_pool_kernel>(dim3(static_cast<unsigned>(s.batch)), dim3(kSoftmaxPoolThreads), 0, stream, s.time,
                                    s.channels, z, x, w, y);
}

void softmax_pool_backward_cuda(const SoftmaxPoolShape& s, const float* x, const float* w, const float* dy, float* dz,
                                float* dx, Stream stream) {
  if (s.batch * s.time == 0) return;
  simt::launch<softmax_pool_backward_kernel>(dim3(static_cast<unsigned>(s.batch)), dim3(kSoftmaxPoolThreads), 0, stream,
                                             s.time, s.channels, x, w, dy, dz, dx);
}

}  // namespace cardiograd::kernels
