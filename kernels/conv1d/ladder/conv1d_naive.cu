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

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/conv1d/ladder/conv1d_ladder.h"
#include "kernels/conv1d/ladder/conv1d_output.cuh"
#include "kernels/conv1d/ladder/conv1d_rounded.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct Conv1dNaiveBody {
  Conv1dShape s;
  std::int64_t output_time;
  const float* x;
  const float* w;
  const float* bias;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t t = i % output_time;
    const std::int64_t channel = i / output_time % s.output_channels;
    const std::int64_t record = i / output_time / s.output_channels;
    y[(record * output_time + t) * s.output_channels + channel] = conv1d_output(s, x, w, bias, record, t, channel);
  }
};

void conv1d_forward_naive(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                          Stream stream) {
  x = rounded_input(s, x, CudaScratchUse::kFactorA, stream);
  w = rounded_weights(s, w, CudaScratchUse::kFactorB, stream);
  for_each_element(s.batch * s.output_time() * s.output_channels, stream,
                   Conv1dNaiveBody{s, s.output_time(), x, w, b, y});
}

}  // namespace cardiograd::kernels
