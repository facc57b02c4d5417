#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/gather_batch/gather_batch_cuda.cuh"
#include "kernels/gather_batch/gather_batch_cuda.h"

namespace cardiograd::kernels {

void gather_batch_forward_cuda(const GatherBatchShape& s, const std::int16_t* signals, const float* scales,
                               const std::int32_t* index, const float* mean, const float* inverse_sd, float* x,
                               Stream stream) {
  for_each_element(s.batch * s.time * s.channels, stream,
                   GatherBatchBody{s.time, s.channels, signals, scales, index, mean, inverse_sd, x});
}

}  // namespace cardiograd::kernels
