#include "kernels/common/column_sum_cpu.h"
#include "kernels/gemm/gemm_cpu.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

namespace {

// dx through a dropout and a ReLU whose result is x.
void mask_gradient(std::int64_t count, float scale, const float* __restrict x, float* __restrict dx) {
  for (std::int64_t i = 0; i < count; ++i) dx[i] = x[i] <= 0.0F ? 0.0F : dx[i] * scale;
}

void backward_input(const LinearShape& s, const float* w, const float* dy, float* dx, const RowsDone& done) {
  gemm(s.precision, s.rows, s.inputs, s.outputs, dy, transposed(row_major(w, s.outputs)), dx, {.accumulate = s.adds},
       done);
}

}  // namespace

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y) {
  RowsDone drop;
  if (s.relu && s.dropout.probability > 0)
    drop = [&](std::int64_t first, std::int64_t count) {
      dropout_range_cpu(s.dropout, first * s.outputs, count * s.outputs, y, y);
    };
  gemm(s.precision, s.rows, s.outputs, s.inputs, x, row_major(w, s.outputs), y, {.bias = b, .relu = s.relu}, drop);
}

void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx) {
  backward_input(s, w, dy, dx, {});
}

void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db) {
  gemm_long_reduction(s.precision, s.inputs, s.outputs, s.rows, x, dy, dw);
  if (db != nullptr) column_sum_cpu(s.rows, s.outputs, dy, db);
}

void linear_backward_cpu(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                         float* db) {
  LinearShape input = s;
  input.adds = s.adds && !s.masked;
  RowsDone mask;
  if (s.masked)
    mask = [&, scale = dropout_scale(s.dropout.probability)](std::int64_t first, std::int64_t count) {
      mask_gradient(count * s.inputs, scale, x + first * s.inputs, dx + first * s.inputs);
    };
  backward_input(input, w, dy, dx, mask);
  linear_backward_weight_cpu(s, x, dy, dw, db);
}

}  // namespace cardiograd::kernels
