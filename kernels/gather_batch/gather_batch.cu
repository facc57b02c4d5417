// Gathering a batch on the GPU, one sample at a time (elementwise_cuda.cuh).
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/gather_batch/gather_batch.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct GatherBatchBody {
  std::int64_t time;
  std::int64_t channels;
  const std::int16_t* signals;
  const float* scales;
  const std::int32_t* index;
  const float* mean;
  const float* inverse_sd;
  float* x;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t record = index[i / (time * channels)];
    const std::int64_t channel = i % channels;
    const int sample = signals[record * time * channels + i % (time * channels)];
    const float value = static_cast<float>(sample) * scales[record * channels + channel];
    x[i] = sample == kInvalidSample ? 0.0F : (value - mean[channel]) * inverse_sd[channel];
  }
};

void gather_batch_forward_cuda(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                               const std::int32_t* index, const float* mean, const float* inverse_sd, float* x,
                               Stream stream) {
  for_each_element(s.batch * s.time * s.channels, stream,
                   GatherBatchBody{s.time, s.channels, signals, scales, index, mean, inverse_sd, x});
}

}  // namespace cardiograd::kernels
