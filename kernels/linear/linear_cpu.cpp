#include "kernels/common/column_sum_cpu.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/common/rounded_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y) {
  x = rounded_factors(s.precision, s.rows * s.inputs, x, ScratchUse::kFactorA);
  w = rounded_factors(s.precision, s.inputs * s.outputs, w, ScratchUse::kFactorB);
  gemm(s.rows, s.outputs, s.inputs, row_major(x, s.inputs), row_major(w, s.outputs), y, s.outputs,
       {.bias = b, .relu = s.relu});
  if (s.relu && s.dropout.probability > 0) dropout_cpu({s.rows * s.outputs, s.dropout}, y, y);
}

void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx) {
  dy = rounded_factors(s.precision, s.rows * s.outputs, dy, ScratchUse::kFactorA);
  w = rounded_factors(s.precision, s.inputs * s.outputs, w, ScratchUse::kFactorB);
  gemm(s.rows, s.inputs, s.outputs, row_major(dy, s.outputs), transposed(row_major(w, s.outputs)), dx, s.inputs,
       {.accumulate = s.adds});
}

void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db) {
  const float* a = rounded_factors(s.precision, s.rows * s.inputs, x, ScratchUse::kFactorA);
  const float* b = rounded_factors(s.precision, s.rows * s.outputs, dy, ScratchUse::kFactorB);
  gemm_long_reduction(s.inputs, s.outputs, s.rows, transposed(row_major(a, s.inputs)), row_major(b, s.outputs), dw);
  if (db != nullptr) column_sum_cpu(s.rows, s.outputs, dy, db);
}

void linear_backward_cpu(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                         float* db) {
  LinearShape input = s;
  input.adds = s.adds && !s.masked;
  linear_backward_input_cpu(input, w, dy, dx);
  if (s.masked) {
    const float scale = dropout_scale(s.dropout.probability);
    parallel_ranges(s.rows * s.inputs, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = first; i < last; ++i) dx[i] = x[i] <= 0 ? 0 : dx[i] * scale;
    });
  }
  linear_backward_weight_cpu(s, x, dy, dw, db);
}

}  // namespace cardiograd::kernels
