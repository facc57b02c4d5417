// The convolution on the GPU: three of the products of kernels/gemm/product.h.
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/conv1d/conv1d.h"
#include "kernels/conv1d/conv1d_products.h"
#include "kernels/conv1d/ladder/conv1d_ladder.h"
#include "kernels/gemm/product.h"

namespace cardiograd::kernels {

void conv1d_forward_cuda(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                         Stream stream) {
  product_cuda(forward_product(s), x, w, b, false, y, stream);
}

void conv1d_forward_register_tile(const Conv1dShape& s, const float* x, const float* w, const float* b, float* y,
                                  Stream stream) {
  gather_product_cuda(forward_product(s), x, w, b, y, stream);
}

void conv1d_backward_input_cuda(const Conv1dShape& s, const float* w, const float* dy, float* dx, Stream stream) {
  turned_product_cuda(input_product(s), dy, w, dx, stream);
}

void conv1d_backward_weight_cuda(const Conv1dShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream) {
  weight_product_cuda(forward_product(s), x, dy, dw, stream);
  if (s.bias_gradient) add_column_sums(s.batch * s.output_time(), s.output_channels, dy, db, stream);
}

const char* conv1d_forward_path(const Conv1dShape& s) {
  return product_path(forward_product(s));
}
const char* conv1d_backward_input_path(const Conv1dShape& s) {
  return turned_product_path(input_product(s));
}
const char* conv1d_backward_weight_path(const Conv1dShape& s) {
  return weight_product_path(forward_product(s));
}

}  // namespace cardiograd::kernels
