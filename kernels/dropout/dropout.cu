#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/dropout/dropout.cuh"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

void dropout_cuda(const DropoutShape& s, const float* x, float* y, Stream stream) {
  for_each_element((s.count + 3) / 4, stream, DropoutBody{s.count, dropout_mask(s.key), x, y});
}

}  // namespace cardiograd::kernels
