// Adam on the GPU: two launches for any number of parameters. What changes from step to step is read from device
// memory, nothing of it is an argument.
#include <cstdint>

#include "kernels/adam/adam.h"
#include "kernels/common/finite.cuh"
#include "kernels/common/grid.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/common/vectors_cuda.cuh"
#include "kernels/common/warp_reduce.cuh"
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
    adam_begin_step_kernel(AdamShape s, const double* lr_at, const float* loss, AdamProgress* progress) {
  if (loss != nullptr && !is_finite(*loss)) progress->stopped = 1;
  if (progress->stopped != 0) return;
  const std::int64_t step = ++progress->step;
  const double lr = lr_at != nullptr ? *lr_at : progress->lr;
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

__device__ inline bool is_aligned(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) % 16 == 0;
}

// The last slice whose first block is not after `block`. Lanes look at neighbors: fewer reads wait for one another than
// in a binary search, up to some hundred slices.
__device__ inline std::int64_t slice_of_block(std::int64_t slices, const AdamSlice* table, std::int64_t block) {
  std::int64_t begun = 0;
  SIMT_UNROLL_BY(4)
  for (std::int64_t first = 0; first < slices; first += 32) {
    const std::int64_t i = first + lane_of_thread();
    begun += __popc(__ballot_sync(kAllLanes, i < slices && table[i].first_block <= block));
  }
  return begun - 1;
}

// One block: kAdamPerBlock elements of one parameter, found by its first block, in accesses of 16 bytes where all four
// arrays allow it. No shared memory, any counts.
static __global__ void __launch_bounds__(kAdamThreads, 4)
    adam_step_kernel(std::int64_t slices, const AdamSlice* table, const AdamProgress* progress) {
  if (progress->stopped != 0) return;
  const std::int64_t block = blockIdx.x;
  const AdamSlice slice = table[slice_of_block(slices, table, block)];
  const AdamCoefficients k = progress->coefficients;
  const std::int64_t first = (block - slice.first_block) * kAdamPerBlock;
  const auto size = static_cast<int>(slice.count - first < kAdamPerBlock ? slice.count - first : kAdamPerBlock);
  const bool wide =
      is_aligned(slice.gradient) && is_aligned(slice.parameter) && is_aligned(slice.m) && is_aligned(slice.v);
  const int vectors = wide ? size / 4 : 0;
  for (int i = static_cast<int>(threadIdx.x); i < vectors; i += kAdamThreads) adam_elements<4>(k, slice, first + 4 * i);
  for (int i = 4 * vectors + static_cast<int>(threadIdx.x); i < size; i += kAdamThreads)
    adam_elements<1>(k, slice, first + i);
}

// What adam_forward_cuda puts into device memory. One thread in all.
struct AdamSingle {
  AdamProgress progress;
  AdamSlice slice;
};
static __global__ void __launch_bounds__(32) adam_single_kernel(AdamSingle value, AdamSingle* at) {
  *at = value;
}

void adam_begin_step_cuda(const AdamShape& s, const double* lr, const float* loss, AdamProgress* progress,
                          Stream stream) {
  simt::launch<adam_begin_step_kernel>(dim3(1), dim3(1), 0, stream, s, lr, loss, progress);
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
  adam_begin_step_cuda(s, nullptr, nullptr, &at->progress, stream);
  adam_step_cuda(1, adam_blocks(s.count), &at->slice, &at->progress, stream);
}

}  // namespace cardiograd::kernels
