// The linear layer by cuBLASLt, with passes of their own for what its epilogues do not do as the engine needs it.
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/gemm/matmul.h"
#include "kernels/linear/ladder/linear_ladder.h"
#include "kernels/linear/ladder/linear_passes.h"

namespace cardiograd::kernels {

void linear_forward_library(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                            Stream stream) {
  matmul_cuda({.rows = s.rows,
               .columns = s.outputs,
               .depth = s.inputs,
               .a = x,
               .b = w,
               .c = y,
               .bias = b,
               .relu = s.relu,
               .precision = s.precision},
              stream);
  drop_output(s, y, stream);
}

void linear_backward_input_library(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  matmul_cuda({.rows = s.rows,
               .columns = s.inputs,
               .depth = s.outputs,
               .a = dy,
               .b = w,
               .c = dx,
               .b_transposed = true,
               .accumulate = s.adds,
               .precision = s.precision},
              stream);
}

// The sums of dy are ours: cuBLASLt's epilogue for them overwrites, and db accumulates.
void linear_backward_weight_library(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
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

}  // namespace cardiograd::kernels
