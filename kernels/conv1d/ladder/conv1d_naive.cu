// naive: one thread per output, nothing shared.
//
//   a block     256 outputs
//   a thread    one y[n, t, o], t running fastest from thread to thread
//   shared      none
//   takes       any shape
//
// The lowest variant. Two loads for every multiply-add, and since neighboring threads are neighbors in time, their x
// and y lie Cin and Cout floats apart: a warp's load of x touches 32 sectors of 32 bytes to use 4 bytes of each.
#include <cstdint>

#include "kernels/conv1d/ladder/conv1d_ladder.h"
#include "kernels/conv1d/ladder/conv1d_output.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct Conv1dNaiveBody : Conv1dOutputs {
  __device__ void operator()(std::int64_t i) const {
    compute(i / time / s.output_channels, i % time, i / time % s.output_channels);
  }
};

void conv1d_forward_naive(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                          Stream stream) {
  conv1d_by_output<Conv1dNaiveBody>(s, x, w, b, y, stream);
}

}  // namespace cardiograd::kernels
