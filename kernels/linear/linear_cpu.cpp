#include "kernels/common/column_sum_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y) {
  gemm(s.precision, s.rows, s.outputs, s.inputs, x, row_major(w, s.outputs), y, {.bias = b, .relu = s.relu});
}

void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx) {
  gemm(s.precision, s.rows, s.inputs, s.outputs, dy, transposed(row_major(w, s.outputs)), dx);
}

void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db) {
  gemm_long_reduction(s.precision, s.inputs, s.outputs, s.rows, x, dy, dw);
  if (db != nullptr) column_sum_cpu(s.rows, s.outputs, dy, db);
}

}  // namespace cardiograd::kernels
