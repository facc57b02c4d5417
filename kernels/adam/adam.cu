// Adam on the GPU: two launches for any number of parameters. What changes from step to step is read from device
// memory, nothing of it is an argument.
#include <cstdint>

#include "kernels/adam/adam.h"
#include "kernels/common/finite.cuh"
#include "kernels/common/scratch_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAdamThreads = 256;

// By repeated squaring: a function of `step` alone, so that a resumed run has the same bits.
__device__ inline double integer_power(double base, std::int64_t step) {
  double power = 1;
  for (; step > 0; step /= 2) {
    if (step % 2 != 0) power *= base;
    base *= base;
  }
  return power;
}

// One thread in all.
static __global__ void __launch_bounds__(32)
    adam_begin_step_kernel(AdamShape s, const float* loss, AdamProgress* progress) {
  if (loss != nullptr && !is_finite(*loss)) progress->stopped = 1;
  if (progress->stopped != 0) return;
  const std::int64_t step = ++progress->step;
  const double lr = progress->lr;
  progress->coefficients = {
      .coupled_decay = static_cast<float>(s.decoupled ? 0 : s.weight_decay),
      .keep = static_cast<float>(s.decoupled ? 1 - lr * s.weight_decay : 1),
      .rate1 = static_cast<float>(1 - s.beta1),
      .beta2 = static_cast<float>(s.beta2),
      .rate2 = static_cast<float>(1 - s.beta2),
      .step_size = static_cast<float>(lr / (1 - integer_power(s.beta1, step))),
      .inverse_root = static_cast<float>(1 / sqrt(1 - integer_power(s.beta2, step))),
      .epsilon = static_cast<float>(s.epsilon),
  };
}

// One block: kAdamPerBlock elements of one parameter, found by its first block; thread x: every kAdamThreads-th of
// them. No shared memory, any counts.
static __global__ void __launch_bounds__(kAdamThreads)
    adam_step_kernel(std::int64_t slices, const AdamSlice* table, const AdamProgress* progress) {
  if (progress->stopped != 0) return;
  const std::int64_t block = blockIdx.x;
  std::int64_t low = 0;  // the last slice whose first block is not after this one
  for (std::int64_t high = slices; high - low > 1;) {
    const std::int64_t middle = low + (high - low) / 2;
    if (table[middle].first_block <= block)
      low = middle;
    else
      high = middle;
  }
  const AdamSlice slice = table[low];
  const AdamCoefficients k = progress->coefficients;
  const std::int64_t first = (block - slice.first_block) * kAdamPerBlock;
  const std::int64_t last = first + kAdamPerBlock < slice.count ? first + kAdamPerBlock : slice.count;
  for (std::int64_t i = first + threadIdx.x; i < last; i += kAdamThreads) {
    const float old = slice.parameter[i];
    const float g = slice.gradient[i] + k.coupled_decay * old;
    const float m = slice.m[i] + k.rate1 * (g - slice.m[i]);
    const float v = k.beta2 * slice.v[i] + k.rate2 * g * g;
    slice.m[i] = m;
    slice.v[i] = v;
    slice.parameter[i] = k.keep * old - k.step_size * m / (sqrtf(v) * k.inverse_root + k.epsilon);
  }
}

// What adam_forward_cuda puts into device memory. One thread in all.
struct AdamSingle {
  AdamProgress progress;
  AdamSlice slice;
};
static __global__ void __launch_bounds__(32) adam_single_kernel(AdamSingle value, AdamSingle* at) {
  *at = value;
}

void adam_begin_step_cuda(const AdamShape& s, const float* loss, AdamProgress* progress, Stream stream) {
  simt::launch<adam_begin_step_kernel>(dim3(1), dim3(1), 0, stream, s, loss, progress);
}

void adam_step_cuda(std::int64_t slices, std::int64_t blocks, const AdamSlice* table, const AdamProgress* progress,
                    Stream stream) {
  if (blocks == 0) return;
  simt::launch<adam_step_kernel>(dim3(static_cast<unsigned>(blocks)), dim3(kAdamThreads), 0, stream, slices, table,
                                 progress);
}

void adam_forward_cuda(const AdamShape& s, const float* gradient, float* parameter, float* m, float* v, Stream stream) {
  constexpr std::int64_t kFloats = (sizeof(AdamSingle) + sizeof(float) - 1) / sizeof(float);
  void* place = cuda_scratch(stream, CudaScratchUse::kCoefficients, kFloats);
  auto* at = static_cast<AdamSingle*>(place);
  const AdamSingle value = {.progress = {.lr = s.lr, .step = s.step - 1, .stopped = 0, .coefficients = {}},
                            .slice = {gradient, parameter, m, v, s.count, 0}};
  simt::launch<adam_single_kernel>(dim3(1), dim3(1), 0, stream, value, at);
  adam_begin_step_cuda(s, nullptr, &at->progress, stream);
  adam_step_cuda(1, adam_blocks(s.count), &at->slice, &at->progress, stream);
}

}  // namespace cardiograd::kernels
