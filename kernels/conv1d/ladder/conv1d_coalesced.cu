// coalesced: the same with channels running fastest.
//
//   a block     256 outputs
//   a thread    one y[n, t, o], o running fastest, as it does in memory
//   shared      none
//   takes       any shape
//
// Beats naive by its sectors: a warp's load of x is one address for all lanes instead of 32 sectors, its load of w four
// full sectors, its store of y four instead of 32. There are still two loads for every multiply-add, and 31
// instructions for 4 FFMA.
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/conv1d/ladder/conv1d_ladder.h"
#include "kernels/conv1d/ladder/conv1d_output.cuh"
#include "kernels/conv1d/ladder/conv1d_rounded.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct Conv1dCoalescedBody {
  Conv1dShape s;
  std::int64_t output_time;
  const float* x;
  const float* w;
  const float* bias;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t row = i / s.output_channels;
    y[i] = conv1d_output(s, x, w, bias, row / output_time, row % output_time, i % s.output_channels);
  }
};

void conv1d_forward_coalesced(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                              Stream stream) {
  x = rounded_input(s, x, CudaScratchUse::kFactorA, stream);
  w = rounded_weights(s, w, CudaScratchUse::kFactorB, stream);
  for_each_element(s.batch * s.output_time() * s.output_channels, stream,
                   Conv1dCoalescedBody{s, s.output_time(), x, w, b, y});
}

}  // namespace cardiograd::kernels
