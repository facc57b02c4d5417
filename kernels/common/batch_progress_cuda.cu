#include "kernels/common/batch_progress_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kFinishThreads = 256;

// One block in all.
static __global__ void __launch_bounds__(kFinishThreads) finish_batch_kernel(BatchEnd end) {
  finish_batch(end);
}

void finish_batch_cuda(const BatchEnd& end, Stream stream) {
  simt::launch<finish_batch_kernel>(dim3(1), dim3(kFinishThreads), 0, stream, end);
}

}  // namespace cardiograd::kernels
