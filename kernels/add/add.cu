// Addition on the GPU, element by element. A repeated b is read once by each thread, which then goes over repetitions.
#include <algorithm>
#include <cstdint>

#include "kernels/add/add.h"
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/elementwise_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct AddMap {
  __device__ float operator()(float a, float b) const { return a + b; }
};

// One thread: kWidth neighbors of b, added to every gridDim.y-th of the repetitions of a. No shared memory.
template <int kWidth>
__global__ void __launch_bounds__(kElementThreads)
    add_repeated_kernel(std::int64_t repetitions, std::int64_t period, const float* a, const float* b, float* y) {
  const std::int64_t i = (std::int64_t{blockIdx.x} * kElementThreads + threadIdx.x) * kWidth;
  if (i >= period) return;
  const Floats<kWidth> term = load_floats<kWidth>(b + i);
  for (std::int64_t at = blockIdx.y * period + i; at < repetitions * period; at += gridDim.y * period) {
    Floats<kWidth> sum = load_floats<kWidth>(a + at);
    SIMT_UNROLL
    for (int j = 0; j < kWidth; ++j) sum.at[j] += term.at[j];
    store_floats<kWidth>(y + at, sum);
  }
}

void add_forward_cuda(const AddShape& s, const float* a, const float* b, float* y, Stream stream) {
  if (s.count == 0) return;
  if (s.period == s.count) {
    map_elements(s.count, stream, AddMap{}, y, a, b);
    return;
  }
  constexpr std::int64_t kMaxRows = 65535;  // of a grid
  const std::int64_t repetitions = s.count / s.period;
  const auto launch = [&](auto width) {
    const dim3 grid(blocks_for(s.period, width() * kElementThreads),
                    static_cast<unsigned>(std::min(repetitions, kMaxRows)));
    simt::launch<add_repeated_kernel<width()>>(grid, dim3(kElementThreads), 0, stream, repetitions, s.period, a, b, y);
  };
  with_width(s.period, launch, a, b, y);
}

void add_backward_broadcast_cuda(const AddShape& s, const float* dy, float* db, Stream stream) {
  if (s.count > 0) add_column_sums(s.count / s.period, s.period, dy, db, stream);
}

void accumulate_forward_cuda(const AddShape& s, const float* x, float* y, Stream stream) {
  map_elements(s.count, stream, AddMap{}, y, y, x);
}

}  // namespace cardiograd::kernels
