#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/linear/ladder/linear_tile_cuda.cuh"
#include "kernels/linear/ladder/linear_tile_cuda.h"

namespace cardiograd::kernels {

void linear_forward_tile(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  tile_gemm(LinearForwardProblem{s.rows, s.outputs, s.inputs, x, w, b, y}, 1, stream);
}

void linear_backward_input_tile(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  tile_gemm(LinearBackwardInputProblem{s.rows, s.inputs, s.outputs, w, dy, dx}, 1, stream);
}

void linear_backward_weight_tile(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  const DepthPieces pieces = cut_depth(s.rows);
  const std::int64_t weights = s.inputs * s.outputs;
  float* partial = cuda_scratch(stream, CudaScratchUse::kPartial, pieces.count * weights);
  tile_gemm(LinearBackwardWeightProblem{s.inputs, s.outputs, pieces, x, dy, partial}, pieces.count, stream);
  for_each_element(weights, stream, AddPiecesBody{weights, pieces.count, partial, dw});
  add_column_sums(s.rows, s.outputs, dy, db, stream);
}

}  // namespace cardiograd::kernels
