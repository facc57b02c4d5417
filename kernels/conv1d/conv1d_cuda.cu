#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/conv1d/conv1d_cuda.cuh"
#include "kernels/conv1d/conv1d_cuda.h"

namespace cardiograd::kernels {

void conv1d_forward_cuda(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  const Conv1dSizes n = conv1d_sizes(s);
  tile_gemm(Conv1dForwardProblem{s.batch * n.output_time, n.outputs, n, x, w, b, y}, s.groups, stream);
}

void conv1d_backward_input_cuda(const Conv1dShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  const Conv1dSizes n = conv1d_sizes(s);
  tile_gemm(Conv1dBackwardInputProblem{s.batch * s.time, n.inputs, n, w, dy, dx}, s.groups, stream);
}

void conv1d_backward_weight_cuda(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  const Conv1dSizes n = conv1d_sizes(s);
  const std::int64_t samples = s.batch * n.output_time;
  const DepthPieces pieces = cut_depth(samples);
  const std::int64_t rows = s.kernel * n.inputs;
  const std::int64_t weights = rows * s.output_channels;
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, pieces.count * weights);
  tile_gemm(Conv1dBackwardWeightProblem{rows, n.outputs, n, pieces, x, dy, partial}, pieces.count * s.groups, stream);
  for_each_element(weights, stream, AddPiecesBody{weights, pieces.count, partial, dw});
  add_column_sums(samples, s.output_channels, dy, db, stream);
}

}  // namespace cardiograd::kernels
