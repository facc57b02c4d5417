#include "kernels/linear/linear.h"

#if defined(CARDIOGRAD_CUBLASLT)
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/gemm/matmul.h"
#else
#include "kernels/linear/ladder/linear_tile.h"
#endif

namespace cardiograd::kernels {

#if defined(CARDIOGRAD_CUBLASLT)

void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  matmul_cuda({.rows = s.rows,
               .columns = s.outputs,
               .depth = s.inputs,
               .a = x,
               .b = w,
               .c = y,
               .bias = b,
               .precision = s.precision},
              stream);
}

void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  matmul_cuda({.rows = s.rows,
               .columns = s.inputs,
               .depth = s.outputs,
               .a = dy,
               .b = w,
               .c = dx,
               .b_transposed = true,
               .precision = s.precision},
              stream);
}

// The sums of dy are ours: cuBLASLt's epilogue for them overwrites, and db accumulates.
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  matmul_cuda({.rows = s.inputs,
               .columns = s.outputs,
               .depth = s.rows,
               .a = x,
               .b = dy,
               .c = dw,
               .a_transposed = true,
               .accumulate = true,
               .precision = s.precision},
              stream);
  if (db != nullptr) add_column_sums(s.rows, s.outputs, dy, db, stream);
}

#else

void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  linear_forward_tile(s, x, w, b, y, stream);
}
void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  linear_backward_input_tile(s, w, dy, dx, stream);
}
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  linear_backward_weight_tile(s, x, dy, dw, db, stream);
}

#endif

}  // namespace cardiograd::kernels
