// The rows of a batch on the GPU: a warp for each record.
#include <cstdint>

#include "kernels/batch_rows/batch_rows.h"
#include "kernels/common/grid.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kBatchRowsThreads = 128;
inline constexpr int kBatchRowsWarps = kBatchRowsThreads / 32;

// One block: kBatchRowsWarps records of the batch; one thread: every 32nd value of one record. No shared memory.
static __global__ void __launch_bounds__(kBatchRowsThreads)
    batch_rows_kernel(int batch, int width, int classes, const std::int32_t* __restrict__ order,
                      const std::int32_t* __restrict__ first, const float* __restrict__ features,
                      const float* __restrict__ labels, std::int32_t* __restrict__ rows, float* __restrict__ x,
                      float* __restrict__ y) {
  const int n = static_cast<int>(blockIdx.x) * kBatchRowsWarps + warp_of_thread();
  if (n >= batch) return;
  const int lane = lane_of_thread();
  const std::int64_t row = order[*first + n];
  if (lane == 0) rows[n] = static_cast<std::int32_t>(row);
  for (int i = lane; i < width; i += 32) x[std::int64_t{n} * width + i] = features[row * width + i];
  for (int i = lane; i < classes; i += 32) y[std::int64_t{n} * classes + i] = labels[row * classes + i];
}

void batch_rows_forward_cuda(const BatchRowsShape& s, const std::int32_t* order, const std::int32_t* first,
                             const float* features, const float* labels, std::int32_t* rows, float* x, float* y,
                             Stream stream) {
  if (s.batch == 0) return;
  simt::launch<batch_rows_kernel>(dim3(blocks_for(s.batch, kBatchRowsWarps)), dim3(kBatchRowsThreads), 0, stream,
                                  static_cast<int>(s.batch), static_cast<int>(s.width), static_cast<int>(s.classes),
                                  order, first, features, labels, rows, x, y);
}

}  // namespace cardiograd::kernels
