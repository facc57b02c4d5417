// Altered signals on the GPU. As in gather_batch.cu a thread keeps to its channels where the block's step is a multiple
// of their number, and then loads their coefficients once.
#include <cstdint>

#include "kernels/altered_signals/altered_signals.h"
#include "kernels/common/divisor.cuh"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/row_tiles_cuda.cuh"
#include "kernels/common/samples_cuda.cuh"
#include "kernels/gather_batch/gather_batch.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAlteredPerThread = 2;

struct AlteredSizes {
  std::int64_t per_record;  // time * channels
  std::int64_t per_place;   // samples * channels
  unsigned channels;
  unsigned channel_step;  // of a thread: its step modulo the channels
  Divisor by_channels;
};

// The tables of the epoch, a row for each place.
struct AlteredPlaces {
  const std::int32_t* first;
  const std::int32_t* records;
  const std::int32_t* starts;
  const std::int32_t* others;
  const std::int32_t* other_starts;
  const float* fractions;
  const std::int32_t* silent_first;
  const std::int32_t* silent_count;
  const float* gains;
};

// Of kWidth neighboring channels of one place; scales are those of gain 1 times the gain.
template <int kWidth>
struct AlteredCoefficients {
  Floats<kWidth> scale, other_scale, gain, mean, inverse_sd;
};

template <int kWidth>
__device__ __forceinline__ Floats<kWidth> product(Floats<kWidth> a, const Floats<kWidth>& b) {
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) a.at[j] *= b.at[j];
  return a;
}

// One block: a piece of place blockIdx.x of the batch; one thread: kAlteredPerThread times kWidth samples, blockDim.x *
// kWidth apart. No shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kTileThreads)
    altered_signals_kernel(AlteredSizes s, AlteredPlaces places, const std::int16_t* __restrict__ signals,
                           const float* __restrict__ scales, const float* __restrict__ mean,
                           const float* __restrict__ inverse_sd, float* __restrict__ x) {
  const std::int64_t p = std::int64_t{*places.first} + blockIdx.x;
  const std::int64_t record = places.records[p];
  const std::int64_t other = places.others[p];
  const float fraction = places.fractions[p];
  const bool mixed = fraction != 0.0F;
  const std::int64_t silent = std::int64_t{places.silent_first[p]} * s.channels;
  const std::int64_t silent_end = silent + std::int64_t{places.silent_count[p]} * s.channels;
  const std::int16_t* own = signals + record * s.per_record + std::int64_t{places.starts[p]} * s.channels;
  const std::int16_t* beside = signals + other * s.per_record + std::int64_t{places.other_starts[p]} * s.channels;
  const std::int64_t step = std::int64_t{blockDim.x} * kWidth;
  std::int64_t i = blockIdx.y * step * kAlteredPerThread + threadIdx.x * kWidth;
  unsigned channel = s.per_place <= kMaxElements ? s.by_channels.rest(static_cast<unsigned>(i))
                                                 : static_cast<unsigned>(i % s.channels);
  AlteredCoefficients<kWidth> k = {};
  for (int step_number = 0; step_number < kAlteredPerThread && i < s.per_place; ++step_number, i += step) {
    if (step_number == 0 || s.channel_step != 0) {
      k.gain = load_floats<kWidth>(places.gains + p * s.channels + channel);
      k.scale = product(load_floats<kWidth>(scales + record * s.channels + channel), k.gain);
      if (mixed) k.other_scale = product(load_floats<kWidth>(scales + other * s.channels + channel), k.gain);
      k.mean = load_floats<kWidth>(mean + channel);
      k.inverse_sd = load_floats<kWidth>(inverse_sd + channel);
      channel += s.channel_step;
      if (channel >= s.channels) channel -= s.channels;
    }
    const Samples<kWidth> a = load_samples<kWidth>(own + i);
    Samples<kWidth> b = a;
    if (mixed) b = load_samples<kWidth>(beside + i);
    const bool heard = i < silent || i >= silent_end;
    Floats<kWidth> result;
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) {
      const auto sample = static_cast<float>(a.at[j]);
      float value;  // from the mean
      if (mixed) {
        const float own_value = sample * k.scale.at[j];
        const float difference = fmaf(static_cast<float>(b.at[j]), k.other_scale.at[j], -own_value);
        value = fmaf(fraction, difference, own_value) - k.mean.at[j];
      } else {
        value = fmaf(sample, k.scale.at[j], -k.mean.at[j]);
      }
      const bool valid = heard && a.at[j] != kInvalidSample && b.at[j] != kInvalidSample && k.gain.at[j] != 0.0F;
      result.at[j] = valid ? value * k.inverse_sd.at[j] : 0.0F;
    }
    store_floats<kWidth>(x + blockIdx.x * s.per_place + i, result);
  }
}

void altered_signals_forward_cuda(const AlteredSignalsShape& s, const std::int16_t* signals, const float* scales,
                                  const float* mean, const float* inverse_sd, const std::int32_t* first,
                                  const std::int32_t* records, const std::int32_t* starts, const std::int32_t* others,
                                  const std::int32_t* other_starts, const float* fractions,
                                  const std::int32_t* silent_first, const std::int32_t* silent_count,
                                  const float* gains, float* x, Stream stream) {
  if (s.batch * s.samples * s.channels == 0) return;
  const AlteredPlaces places = {first,     records,      starts,       others, other_starts,
                                fractions, silent_first, silent_count, gains};
  const auto launch = [&](auto width) {
    // As many threads as are a multiple of the threads that one row takes, where that is possible.
    const std::int64_t row = s.channels / width();
    const std::int64_t threads = row <= kTileThreads ? kTileThreads / row * row : kTileThreads;
    const AlteredSizes sizes = {s.time * s.channels, s.samples * s.channels, static_cast<unsigned>(s.channels),
                                static_cast<unsigned>(threads * width() % s.channels), divisor_of(s.channels)};
    const dim3 blocks(static_cast<unsigned>(s.batch),
                      blocks_for(sizes.per_place, threads * width() * kAlteredPerThread));
    simt::launch<altered_signals_kernel<width()>>(blocks, dim3(static_cast<unsigned>(threads)), 0, stream, sizes,
                                                  places, signals, scales, mean, inverse_sd, x);
  };
  with_width(s.channels, launch, signals, scales, mean, inverse_sd, gains, x);
}

}  // namespace cardiograd::kernels
