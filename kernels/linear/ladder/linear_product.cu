// The linear layer as a convolution of one tap over one record, with passes of their own for what is behind the
// product.
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/gemm/product.h"
#include "kernels/linear/ladder/linear_ladder.h"
#include "kernels/linear/ladder/linear_passes.h"

namespace cardiograd::kernels {
namespace {

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
  drop_output(s, y, stream);
}

void linear_backward_input_product(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  put_input_gradient(s, dx, stream, [&](float* to) { turned_product_cuda(input_product(s), dy, w, to, stream); });
}

void linear_backward_weight_product(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                    Stream stream) {
  weight_product_cuda(forward_product(s), x, dy, dw, stream);
  if (db != nullptr) add_column_sums(s.rows, s.outputs, dy, db, stream);
}

}  // namespace cardiograd::kernels
