#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/max_pool/max_pool_cuda.cuh"
#include "kernels/max_pool/max_pool_cuda.h"

namespace cardiograd::kernels {

void max_pool_forward_cuda(const MaxPoolShape& s, const float* x, float* y, Stream stream) {
  for_each_element(s.batch * s.output_time() * s.channels, stream, MaxPoolForwardBody{s, s.output_time(), x, y});
}

void max_pool_backward_cuda(const MaxPoolShape& s, const float* x, const float* dy, float* dx, Stream stream) {
  for_each_element(s.batch * s.time * s.channels, stream, MaxPoolBackwardBody{s, s.output_time(), x, dy, dx});
}

}  // namespace cardiograd::kernels
