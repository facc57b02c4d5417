// naive: one thread per result, nothing shared.
//
//   a block     256 results
//   a thread    one y[r, o], o running fastest: neighboring threads read neighboring weights and one common x
//   shared      none
//   takes       any size
//
// The lowest variant. Two loads for every multiply-add: of 31 instructions of the inner loop 4 are FFMA.
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/gemm/rounded_cuda.cuh"
#include "kernels/linear/ladder/linear_ladder.h"
#include "kernels/linear/ladder/linear_passes.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct LinearNaiveBody {
  LinearShape s;
  const float* x;
  const float* w;
  const float* bias;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t row = i / s.outputs;
    const std::int64_t column = i % s.outputs;
    float sum = 0;
    for (std::int64_t k = 0; k < s.inputs; ++k) sum += x[row * s.inputs + k] * w[k * s.outputs + column];
    const float value = sum + bias[column];
    y[i] = s.relu && value < 0 ? 0 : value;
  }
};

void linear_forward_naive(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                          Stream stream) {
  x = rounded_factors(s.precision, s.rows * s.inputs, x, CudaScratchUse::kFactorA, stream);
  w = rounded_factors(s.precision, s.inputs * s.outputs, w, CudaScratchUse::kFactorB, stream);
  for_each_element(s.rows * s.outputs, stream, LinearNaiveBody{s, x, w, b, y});
  drop_output(s, y, stream);
}

}  // namespace cardiograd::kernels
