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

#include "kernels/conv1d/ladder/conv1d_ladder.h"
#include "kernels/conv1d/ladder/conv1d_output.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct Conv1dCoalescedBody : Conv1dOutputs {
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t row = i / s.output_channels;
    compute(row / time, row % time, i % s.output_channels);
  }
};

void conv1d_forward_coalesced(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                              Stream stream) {
  conv1d_by_output<Conv1dCoalescedBody>(s, x, w, b, y, stream);
}

}  // namespace cardiograd::kernels
