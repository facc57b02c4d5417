// Moving averages on the GPU: one launch for any number of weights.
#include <cstdint>

#include "kernels/common/slices_cuda.cuh"
#include "kernels/common/vectors_cuda.cuh"
#include "kernels/weight_average/weight_average.h"
#include "kernels/weight_average/weight_average_rate.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAverageThreads = 256;

template <int kWidth>
__device__ __forceinline__ void average_elements(float rate, const AverageSlice& slice, std::int64_t i) {
  const Floats<kWidth> value = load_floats<kWidth>(slice.value + i);
  Floats<kWidth> average = load_floats<kWidth>(slice.average + i);
  SIMT_UNROLL
  for (int j = 0; j < kWidth; ++j) average.at[j] = fmaf(rate, value.at[j] - average.at[j], average.at[j]);
  store_floats<kWidth>(slice.average + i, average);
}

// One block: kAveragePerBlock elements of one weight, found in the table by its first block; without a table of
// `single`. `steps_done` null: the step is an argument. No shared memory.
static __global__ void __launch_bounds__(kAverageThreads)
    weight_average_kernel(double decay, std::int64_t step, AverageSlice single, std::int64_t slices,
                          const AverageSlice* table, const std::uint32_t* steps_done) {
  AverageSlice slice = single;
  if (table != nullptr) slice = table[slice_of_block(slices, table, blockIdx.x)];
  if (steps_done != nullptr) step = std::int64_t{*steps_done} - 1;
  const float rate = weight_average_rate(decay, step);
  const std::int64_t first = (std::int64_t{blockIdx.x} - slice.first_block) * kAveragePerBlock;
  const std::int64_t left = slice.count - first;
  const auto size = static_cast<int>(left < kAveragePerBlock ? left : kAveragePerBlock);
  const int vectors = is_aligned(slice.value) && is_aligned(slice.average) ? size / 4 : 0;
  for (int i = static_cast<int>(threadIdx.x); i < vectors; i += kAverageThreads)
    average_elements<4>(rate, slice, first + 4 * i);
  for (int i = 4 * vectors + static_cast<int>(threadIdx.x); i < size; i += kAverageThreads)
    average_elements<1>(rate, slice, first + i);
}

void weight_average_forward_cuda(const WeightAverageShape& s, const float* value, float* average, Stream stream) {
  if (s.count == 0) return;
  const AverageSlice* const no_table = nullptr;
  const std::uint32_t* const no_steps = nullptr;
  simt::launch<weight_average_kernel>(dim3(static_cast<unsigned>(average_blocks(s.count))), dim3(kAverageThreads), 0,
                                      stream, s.decay, s.step, AverageSlice{value, average, s.count, 0},
                                      std::int64_t{1}, no_table, no_steps);
}

void weight_average_step_cuda(double decay, std::int64_t slices, std::int64_t blocks, const AverageSlice* table,
                              const std::uint32_t* steps_done, Stream stream) {
  if (blocks == 0) return;
  simt::launch<weight_average_kernel>(dim3(static_cast<unsigned>(blocks)), dim3(kAverageThreads), 0, stream, decay,
                                      std::int64_t{0}, AverageSlice(), slices, table, steps_done);
}

}  // namespace cardiograd::kernels
