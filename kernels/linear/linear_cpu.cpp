#include "kernels/common/column_sum_cpu.h"
#include "kernels/common/elementwise_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y) {
  gemm(s.precision, s.rows, s.outputs, s.inputs, x, row_major(w, s.outputs), y, {.bias = b, .relu = s.relu});
  if (s.relu && s.dropout.probability > 0) dropout_cpu({s.rows * s.outputs, s.dropout}, y, y);
}

void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx) {
  gemm(s.precision, s.rows, s.inputs, s.outputs, dy, transposed(row_major(w, s.outputs)), dx, {.accumulate = s.adds});
}

void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db) {
  gemm_long_reduction(s.precision, s.inputs, s.outputs, s.rows, x, dy, dw);
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
