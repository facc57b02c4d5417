#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/common/scratch_cuda.h"
#include "kernels/reduce/reduce_cuda.cuh"
#include "kernels/reduce/reduce_cuda.h"

namespace cardiograd::kernels {

void mean_time_forward_cuda(const MeanTimeShape& s, const float* x, float* y, Stream stream) {
  if (s.batch == 0) return;
  const auto tiles = static_cast<unsigned>((s.channels + kColumnTile - 1) / kColumnTile);
  simt::launch<mean_time_kernel>(dim3(static_cast<unsigned>(s.batch), tiles), dim3(kColumnTile, kRowLanes), 0, stream,
                                 s.time, s.channels, x, y);
}

void mean_time_backward_cuda(const MeanTimeShape& s, const float* dy, float* dx, Stream stream) {
  for_each_element(s.batch * s.time * s.channels, stream, MeanTimeBackwardBody{dy, s.time, s.channels, dx});
}

void squared_norm_forward_cuda(const SquaredNormShape& s, const float* x, float* y, Stream stream) {
  const std::int64_t blocks = (s.count + kNormPerBlock - 1) / kNormPerBlock;
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, blocks);
  if (blocks > 0)
    simt::launch<norm_kernel<true>>(dim3(static_cast<unsigned>(blocks)), dim3(kNormThreads), 0, stream, s.count,
                                    kNormPerBlock, x, partial);
  simt::launch<norm_kernel<false>>(dim3(1), dim3(kNormThreads), 0, stream, blocks, blocks, partial, y);
}

void scale_forward_cuda(const ScaleShape& s, float* x, Stream stream) {
  for_each_element(s.count, stream, ScaleBody{s.factor, x});
}

}  // namespace cardiograd::kernels
