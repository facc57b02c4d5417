#include "kernels/common/column_sum_cpu.h"
#include "kernels/common/rounded_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y) {
  x = rounded_factors(s.precision, s.rows * s.inputs, x, ScratchUse::kFactorA);
  w = rounded_factors(s.precision, s.inputs * s.outputs, w, ScratchUse::kFactorB);
  gemm(s.rows, s.outputs, s.inputs, row_major(x, s.inputs), row_major(w, s.outputs), y, s.outputs,
       {.bias = b, .relu = s.relu});
}

void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx) {
  dy = rounded_factors(s.precision, s.rows * s.outputs, dy, ScratchUse::kFactorA);
  w = rounded_factors(s.precision, s.inputs * s.outputs, w, ScratchUse::kFactorB);
  gemm(s.rows, s.inputs, s.outputs, row_major(dy, s.outputs), transposed(row_major(w, s.outputs)), dx, s.inputs);
}

void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db) {
  const float* a = rounded_factors(s.precision, s.rows * s.inputs, x, ScratchUse::kFactorA);
  const float* b = rounded_factors(s.precision, s.rows * s.outputs, dy, ScratchUse::kFactorB);
  gemm_long_reduction(s.inputs, s.outputs, s.rows, transposed(row_major(a, s.inputs)), row_major(b, s.outputs), dw);
  if (db != nullptr) column_sum_cpu(s.rows, s.outputs, dy, db);
}

}  // namespace cardiograd::kernels
