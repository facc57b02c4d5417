// Dropout on the GPU: a thread makes one block of random words and treats its four elements.
#include <algorithm>
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/dropout/dropout.cuh"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

// One thread: elements 4 i ... 4 i + 3 of a launch whose first element has random block `first_block`; in one access
// where `wide` and all four exist. No shared memory.
static __global__ void __launch_bounds__(kElementThreads)
    dropout_kernel(unsigned count, std::int64_t first_block, bool wide, DropoutMask mask, const float* x, float* y) {
  const unsigned thread = blockIdx.x * kElementThreads + threadIdx.x;
  const unsigned first = 4 * thread;
  if (first >= count) return;
  const PhiloxBlock words = dropout_words(mask, first_block + thread);
  if (wide && first + 4 <= count) {
    Floats<4> value = load_floats<4>(x + first);
    SIMT_UNROLL
    for (int j = 0; j < 4; ++j) value.at[j] = dropped(mask, words.value[j], value.at[j]);
    store_floats<4>(y + first, value);
    return;
  }
  SIMT_UNROLL
  for (unsigned j = 0; j < 4; ++j)
    if (first + j < count) y[first + j] = dropped(mask, words.value[j], x[first + j]);
}

// For elements that do not begin with a block of words.
struct ShiftedDropoutBody {
  DropoutMask mask;
  const float* x;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const float factor = dropout_factor(mask, i);
    y[i] = factor == 0 ? 0 : __fmul_rn(x[i], factor);
  }
};

void dropout_cuda(const DropoutShape& s, const float* x, float* y, Stream stream) {
  if (s.key.first % 4 != 0) {
    for_each_element(s.count, stream, ShiftedDropoutBody{dropout_mask(s.key), x, y});
    return;
  }
  for (std::int64_t first = 0; first < s.count; first += kMaxElements) {
    const std::int64_t piece = std::min(kMaxElements, s.count - first);
    simt::launch<dropout_kernel>(dim3(blocks_for(piece, 4 * kElementThreads)), dim3(kElementThreads), 0, stream,
                                 static_cast<unsigned>(piece), first / 4, are_aligned(x, y), dropout_mask(s.key),
                                 x + first, y + first);
  }
}

}  // namespace cardiograd::kernels
