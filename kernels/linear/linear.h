// The linear layer: y = x w + b on every row, with a ReLU behind it where asked for.
//
//   x (rows, inputs)   w (inputs, outputs)   b (outputs)   y (rows, outputs)      PyTorch keeps w as (outputs, inputs)
//
//   linear_forward          y   = x w + b, or max(x w + b, 0) where s.relu
//   linear_backward_input   dx  = dy w^T
//   linear_backward_weight  dw += x^T dy,  db += column sums of dy (db null: left out)
//
// On CUDA the products are cuBLASLt's, or the project's own (kernels/gemm/product.h) in builds without it; the op table
// has both, and earlier ones in ladder/.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct LinearShape {
  std::int64_t rows = 1;
  std::int64_t inputs = 1;
  std::int64_t outputs = 1;
  Precision precision = Precision::kFp32;  // of the factors x, w and dy; b and db are exact
  bool relu = false;                       // of linear_forward; the others take dy before the ReLU
};

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y);
void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx);
void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db);

// The same on the GPU; pointers are to device memory.
void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);

// The same with the project's own products.
void linear_forward_product(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                            Stream stream);
void linear_backward_input_product(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_product(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                    Stream stream);

// The kernels that the shipped ones take: "cuBLASLt", or as kernels/gemm/product.h says.
const char* linear_forward_path(const LinearShape& s);
const char* linear_backward_input_path(const LinearShape& s);
const char* linear_backward_weight_path(const LinearShape& s);

}  // namespace cardiograd::kernels
