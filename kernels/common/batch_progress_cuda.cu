#include "kernels/common/batch_progress_cuda.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kFinishThreads = 256;

// One block in all. A step's results are a few kilobytes at most.
static __global__ void __launch_bounds__(kFinishThreads)
    finish_batch_kernel(BatchResults results, BatchProgress* progress) {
  const BatchProgress now = *progress;
  if (results.logits != nullptr) {
    float* to = results.all_logits + std::int64_t{now.first} * results.classes;
    for (int i = static_cast<int>(threadIdx.x); i < results.records * results.classes; i += kFinishThreads)
      to[i] = results.logits[i];
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  if (results.loss != nullptr) results.losses[now.batch % results.ring] = *results.loss;
  const std::int32_t next = now.batch + 1;
  const bool has_rate = next < results.rate_count;
  *progress = {has_rate ? results.rates[next] : now.lr, now.first + results.records, next, now.step + 1};
}

void finish_batch_cuda(const BatchResults& results, BatchProgress* progress, Stream stream) {
  simt::launch<finish_batch_kernel>(dim3(1), dim3(kFinishThreads), 0, stream, results, progress);
}

}  // namespace cardiograd::kernels
