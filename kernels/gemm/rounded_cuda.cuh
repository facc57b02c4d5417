// Rounded copies of operands, for kernels that know fp32 only: the variants in ladder/.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/gemm/round_factor.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct RoundBody {
  Precision precision;
  const float* x;
  float* rounded;
  __device__ void operator()(std::int64_t i) const { rounded[i] = round_factor(precision, x[i]); }
};

// x (count) as factors of products: itself in fp32, otherwise a copy in the stream's scratch for `use`.
inline const float* rounded_factors(Precision precision, std::int64_t count, const float* x, CudaScratchUse use,
                                    Stream stream) {
  if (precision == Precision::kFp32) return x;
  float* rounded = cuda_scratch(stream, use, count);
  for_each_element(count, stream, RoundBody{precision, x, rounded});
  return rounded;
}

}  // namespace cardiograd::kernels
