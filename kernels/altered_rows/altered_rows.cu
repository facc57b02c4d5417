// Altered rows on the GPU: a warp for each record.
#include <cstdint>

#include "kernels/altered_rows/altered_rows.h"
#include "kernels/common/grid.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

inline constexpr int kAlteredRowsThreads = 128;
inline constexpr int kAlteredRowsWarps = kAlteredRowsThreads / 32;

// One block: kAlteredRowsWarps records of the batch; one thread: every 32nd value of one record. No shared memory.
static __global__ void __launch_bounds__(kAlteredRowsThreads)
    altered_rows_kernel(int batch, int width, int classes, float smoothing, const float* __restrict__ features,
                        const float* __restrict__ labels, const std::int32_t* __restrict__ first,
                        const std::int32_t* __restrict__ records, const std::int32_t* __restrict__ others,
                        const float* __restrict__ fractions, float* __restrict__ x, float* __restrict__ y) {
  const int n = static_cast<int>(blockIdx.x) * kAlteredRowsWarps + warp_of_thread();
  if (n >= batch) return;
  const int lane = lane_of_thread();
  const std::int64_t p = std::int64_t{*first} + n;
  const std::int64_t own = records[p];
  const std::int64_t other = others[p];
  const float fraction = fractions[p];
  for (int i = lane; i < width; i += 32) {
    const float value = features[own * width + i];
    x[std::int64_t{n} * width + i] = fmaf(fraction, features[other * width + i] - value, value);
  }
  for (int i = lane; i < classes; i += 32) {
    const float value = labels[own * classes + i];
    const float mixed = fmaf(fraction, labels[other * classes + i] - value, value);
    y[std::int64_t{n} * classes + i] = fmaf(mixed, 1 - smoothing, smoothing / 2);
  }
}

void altered_rows_forward_cuda(const AlteredRowsShape& s, const float* features, const float* labels,
                               const std::int32_t* first, const std::int32_t* records, const std::int32_t* others,
                               const float* fractions, float* x, float* y, Stream stream) {
  if (s.batch == 0) return;
  simt::launch<altered_rows_kernel>(dim3(blocks_for(s.batch, kAlteredRowsWarps)), dim3(kAlteredRowsThreads), 0, stream,
                                    static_cast<int>(s.batch), static_cast<int>(s.width), static_cast<int>(s.classes),
                                    s.smoothing, features, labels, first, records, others, fractions, x, y);
}

}  // namespace cardiograd::kernels
