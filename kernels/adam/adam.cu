// Adam on the GPU: one launch for any number of parameters. What changes from step to step is read from device memory,
// nothing of it is an argument, and the last block prepares the next step, whose powers no block has to wait for.
#include <cmath>
#include <cstdint>

#include "kernels/adam/adam.h"
#include "kernels/common/batch_progress_cuda.cuh"
#include "kernels/common/finite.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/last_block_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/slices_cuda.cuh"
#include "kernels/common/vectors_cuda.cuh"
#include "kernels/common/warp_reduce.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAdamThreads = 256;

// By repeated squaring: a function of `step` alone, so that a resumed run has the same bits.
__host__ __device__ inline double integer_power(double base, std::int64_t step) {
  double power = 1;
  for (; step > 0; step /= 2) {
    if (step % 2 != 0) power *= base;
    base *= base;
  }
  return power;
}

// After `steps` steps, for one with `beta1`.
__host__ __device__ inline void prepare_next(const AdamShape& s, double beta1, std::int64_t steps,
                                             AdamProgress& progress) {
  progress.step = steps;
  progress.correction = 1 - integer_power(beta1, steps + 1);
  progress.inverse_root = static_cast<float>(1 / sqrt(1 - integer_power(s.beta2, steps + 1)));
}

AdamProgress adam_progress(const AdamShape& s, std::int64_t steps) {
  AdamProgress progress;
  prepare_next(s, s.beta1, steps, progress);
  return progress;
}

// Of the present step.
__device__ inline AdamCoefficients coefficients_of(const AdamShape& s, const StepRates& rates,
                                                   const AdamProgress& progress) {
  return {
      .coupled_decay = static_cast<float>(s.decoupled ? 0 : s.weight_decay),
      .keep = static_cast<float>(s.decoupled ? 1 - rates.lr * s.weight_decay : 1),
      .rate1 = static_cast<float>(1 - rates.beta1),
      .beta2 = static_cast<float>(s.beta2),
      .rate2 = static_cast<float>(1 - s.beta2),
      .step_size = static_cast<float>(rates.lr / progress.correction),
      .inverse_root = progress.inverse_root,
      .epsilon = static_cast<float>(s.epsilon),
  };
}

__device__ __forceinline__ void adam_element(const AdamCoefficients& k, float gradient, float& parameter, float& m,
                                             float& v) {
  const float g = gradient + k.coupled_decay * parameter;
  m += k.rate1 * (g - m);
  v = k.beta2 * v + k.rate2 * g * g;
  parameter = k.keep * parameter - k.step_size * m / (sqrtf(v) * k.inverse_root + k.epsilon);
}

template <int kWidth>
__device__ __forceinline__ void adam_elements(const AdamCoefficients& k, const AdamSlice& slice, std::int64_t i) {
  const Floats<kWidth> gradient = load_floats<kWidth>(slice.gradient + i);
  Floats<kWidth> parameter = load_floats<kWidth>(slice.parameter + i);
  Floats<kWidth> m = load_floats<kWidth>(slice.m + i);
  Floats<kWidth> v = load_floats<kWidth>(slice.v + i);
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) adam_element(k, gradient.at[j], parameter.at[j], m.at[j], v.at[j]);
  store_floats<kWidth>(slice.m + i, m);
  store_floats<kWidth>(slice.v + i, v);
  store_floats<kWidth>(slice.parameter + i, parameter);
}

// The block's elements of its slice, in accesses of 16 bytes where all four arrays allow it.
__device__ __forceinline__ void step_of_block(const AdamCoefficients& k, const AdamSlice& slice) {
  const std::int64_t first = (std::int64_t{blockIdx.x} - slice.first_block) * kAdamPerBlock;
  const auto size = static_cast<int>(slice.count - first < kAdamPerBlock ? slice.count - first : kAdamPerBlock);
  const bool wide =
      is_aligned(slice.gradient) && is_aligned(slice.parameter) && is_aligned(slice.m) && is_aligned(slice.v);
  const int vectors = wide ? size / 4 : 0;
  for (int i = static_cast<int>(threadIdx.x); i < vectors; i += kAdamThreads) adam_elements<4>(k, slice, first + 4 * i);
  for (int i = 4 * vectors + static_cast<int>(threadIdx.x); i < size; i += kAdamThreads)
    adam_elements<1>(k, slice, first + i);
}

// A step of one parameter whose settings are arguments.
struct AdamSingle {
  AdamProgress progress;
  AdamSlice slice;
};

// One block: kAdamPerBlock elements of one parameter, found in the table by its first block; one thread of it makes the
// step's coefficients. With neither table nor progress: of `single`. Shared memory 44 bytes, any counts.
static __global__ void __launch_bounds__(kAdamThreads, 4)
    adam_step_kernel(AdamShape s, AdamSingle single, std::int64_t slices, const AdamSlice* table, AdamStep step,
                     AdamProgress* progress, unsigned* arrived) {
  SIMT_SHARED(AdamCoefficients, k, [1]);
  SIMT_SHARED(int, stops, [1]);
  if (threadIdx.x == 0) {
    AdamProgress now = single.progress;
    if (progress != nullptr) now = *progress;
    stops[0] = now.stopped != 0 || (step.loss != nullptr && !is_finite(*step.loss)) ? 1 : 0;
    k[0] = coefficients_of(s, step.rates != nullptr ? *step.rates : StepRates{now.lr, s.beta1}, now);
  }
  __syncthreads();
  if (stops[0] == 0 && slices > 0) {
    AdamSlice slice = single.slice;
    if (table != nullptr) slice = table[slice_of_block(slices, table, blockIdx.x)];
    step_of_block(k[0], slice);
  }
  if (progress == nullptr || !is_last_block(arrived, gridDim.x)) return;
  if (threadIdx.x == 0) {
    if (stops[0] != 0)
      progress->stopped = 1;
    else
      prepare_next(s, step.rates != nullptr && step.end.progress != nullptr ? next_rates(step.end).beta1 : s.beta1,
                   progress->step + 1, *progress);
  }
  if (step.end.progress != nullptr) finish_batch(step.end);
}

void adam_step_cuda(const AdamShape& s, std::int64_t slices, std::int64_t blocks, const AdamSlice* table,
                    const AdamStep& step, AdamProgress* progress, Stream stream) {
  simt::launch<adam_step_kernel>(dim3(blocks > 0 ? static_cast<unsigned>(blocks) : 1U), dim3(kAdamThreads), 0, stream,
                                 s, AdamSingle(), blocks > 0 ? slices : 0, table, step, progress,
                                 cuda_counters(stream));
}

void adam_forward_cuda(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v, Stream stream) {
  if (s.count == 0) return;
  AdamSingle single = {.progress = adam_progress(s, s.step - 1), .slice = {gradient, parameter, m, v, s.count, 0}};
  single.progress.lr = s.lr;
  const AdamSlice* const no_table = nullptr;
  AdamProgress* const no_progress = nullptr;
  unsigned* const no_counters = nullptr;
  simt::launch<adam_step_kernel>(dim3(static_cast<unsigned>(adam_blocks(s.count))), dim3(kAdamThreads), 0, stream, s,
                                 single, std::int64_t{1}, no_table, AdamStep(), no_progress, no_counters);
}

}  // namespace cardiograd::kernels
