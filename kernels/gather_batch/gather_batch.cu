// Gathering a batch on the GPU. A thread keeps to its channels where the block's step is a multiple of their number, as
// for twelve leads, and then loads their coefficients once.
#include <cstdint>

#include "kernels/common/divisor.cuh"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/samples_cuda.cuh"
#include "kernels/gather_batch/gather_batch.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kGatherPerThread = 8;

struct GatherSizes {
  std::int64_t per_record;  // time * channels
  unsigned channels;
  unsigned channel_step;  // of a thread: its step modulo the channels
  Divisor by_channels;
};

// One block: a piece of record blockIdx.x of the batch; one thread: kGatherPerThread times kWidth samples, blockDim.x *
// kWidth apart. No shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    gather_batch_kernel(GatherSizes s, const std::int16_t* __restrict__ signals, const float* __restrict__ scales,
                        const std::int32_t* __restrict__ index, const float* __restrict__ mean,
                        const float* __restrict__ inverse_sd, float* __restrict__ x) {
  const std::int64_t record = index[blockIdx.x];
  const std::int64_t step = std::int64_t{blockDim.x} * kWidth;
  std::int64_t i = blockIdx.y * step * kGatherPerThread + threadIdx.x * kWidth;
  unsigned channel = s.per_record <= kMaxElements ? s.by_channels.rest(static_cast<unsigned>(i))
                                                  : static_cast<unsigned>(i % s.channels);
  Floats<kWidth> scale = {};
  Floats<kWidth> center = {};
  Floats<kWidth> factor = {};
  for (int step_number = 0; step_number < kGatherPerThread && i < s.per_record; ++step_number, i += step) {
    if (step_number == 0 || s.channel_step != 0) {
      scale = load_floats<kWidth>(scales + record * s.channels + channel);
      center = load_floats<kWidth>(mean + channel);
      factor = load_floats<kWidth>(inverse_sd + channel);
      channel += s.channel_step;
      if (channel >= s.channels) channel -= s.channels;
    }
    const Samples<kWidth> samples = load_samples<kWidth>(signals + record * s.per_record + i);
    Floats<kWidth> result;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      const float value = static_cast<float>(samples.at[j]) * scale.at[j];
      result.at[j] = samples.at[j] == kInvalidSample ? 0.0F : (value - center.at[j]) * factor.at[j];
    }
    store_floats<kWidth>(x + blockIdx.x * s.per_record + i, result);
  }
}

void gather_batch_forward_cuda(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                               const std::int32_t* index, const float* mean, const float* inverse_sd, float* x,
                               Stream stream) {
  if (s.batch * s.time * s.channels == 0) return;
  const auto launch = [&](auto width) {
    // As many threads as are a multiple of the threads that one row takes, where that is possible.
    const std::int64_t row = s.channels / width();
    const std::int64_t threads = row <= kTileThreads ? kTileThreads / row * row : kTileThreads;
    const GatherSizes sizes = {s.time * s.channels, static_cast<unsigned>(s.channels),
                               static_cast<unsigned>(threads * width() % s.channels), divisor_of(s.channels)};
    const dim3 blocks(static_cast<unsigned>(s.batch),
                      blocks_for(sizes.per_record, threads * width() * kGatherPerThread));
    simt::launch<gather_batch_kernel<width()>>(blocks, dim3(static_cast<unsigned>(threads)), 0, stream, sizes, signals,
                                               scales, index, mean, inverse_sd, x);
  };
  with_width(s.channels, launch, signals, scales, mean, inverse_sd, x);
}

}  // namespace cardiograd::kernels
