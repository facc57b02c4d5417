#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/gemm/matmul.h"
#include "kernels/gemm/product.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {
namespace {

// One tap over one record.
ProductShape forward_product(const LinearShape& s) {
  return {.time_in = s.rows, .time_out = s.rows, .depth = s.inputs, .columns = s.outputs, .precision = s.precision};
}
ProductShape input_product(const LinearShape& s) {
  return {.time_in = s.rows, .time_out = s.rows, .depth = s.outputs, .columns = s.inputs, .precision = s.precision};
}

}  // namespace

void linear_forward_product(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                            Stream stream) {
  product_cuda(forward_product(s), x, w, b, s.relu, y, stream);
}

void linear_backward_input_product(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  turned_product_cuda(input_product(s), dy, w, dx, stream);
}

void linear_backward_weight_product(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                    Stream stream) {
  weight_product_cuda(forward_product(s), x, dy, dw, stream);
  if (db != nullptr) add_column_sums(s.rows, s.outputs, dy, db, stream);
}

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
               .relu = s.relu,
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

const char* linear_forward_path(const LinearShape&) {
  return "cuBLASLt";
}
const char* linear_backward_input_path(const LinearShape&) {
  return "cuBLASLt";
}
const char* linear_backward_weight_path(const LinearShape&) {
  return "cuBLASLt";
}

#else

void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  linear_forward_product(s, x, w, b, y, stream);
}
void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  linear_backward_input_product(s, w, dy, dx, stream);
}
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  linear_backward_weight_product(s, x, dy, dw, db, stream);
}

const char* linear_forward_path(const LinearShape& s) {
  return product_path(forward_product(s));
}
const char* linear_backward_input_path(const LinearShape& s) {
  return product_path(input_product(s));
}
const char* linear_backward_weight_path(const LinearShape& s) {
  return weight_product_path(forward_product(s));
}

#endif

}  // namespace cardiograd::kernels
