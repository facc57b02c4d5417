// The linear layer: y = x w + b on every row.
//
//   x (rows, inputs)   w (inputs, outputs)   b (outputs)   y (rows, outputs)      PyTorch keeps w as (outputs, inputs)
//
//   linear_forward          y   = x w + b
//   linear_backward_input   dx  = dy w^T
//   linear_backward_weight  dw += x^T dy,  db += column sums of dy (db null: left out)
//
// On CUDA the products are cuBLASLt's; ladder/ has a variant with hand-written ones.
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
};

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y);
void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx);
void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db);

// The same on the GPU; pointers are to device memory.
void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);

}  // namespace cardiograd::kernels
