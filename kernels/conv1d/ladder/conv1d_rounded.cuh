// Rounded copies of the convolution's operands, where the precision wants them (kernels/gemm/rounded_cuda.cuh).
#pragma once

#include <cstdint>

#include "kernels/conv1d/conv1d.h"
#include "kernels/gemm/rounded_cuda.cuh"

namespace cardiograd::kernels {

inline const float* rounded_input(const Conv1dShape& s, const float* x, CudaScratchUse use, Stream stream) {
  return rounded_factors(s.precision, s.batch * s.time * s.input_channels, x, use, stream);
}
inline const float* rounded_output(const Conv1dShape& s, const float* dy, CudaScratchUse use, Stream stream) {
  return rounded_factors(s.precision, s.batch * s.output_time() * s.output_channels, dy, use, stream);
}
inline const float* rounded_weights(const Conv1dShape& s, const float* w, CudaScratchUse use, Stream stream) {
  return rounded_factors(s.precision, s.kernel * s.input_channels / s.groups * s.output_channels, w, use, stream);
}

}  // namespace cardiograd::kernels
