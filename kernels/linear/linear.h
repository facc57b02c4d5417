// The linear layer: y = x w + b on every row, with a ReLU and a dropout behind it where asked for.
//
//   x (rows, inputs)   w (inputs, outputs)   b (outputs)   y (rows, outputs)      PyTorch keeps w as (outputs, inputs)
//
//   linear_forward          y   = x w + b, or dropout(max(x w + b, 0)) where s.relu
//   linear_backward_input   dx  = dy w^T, or += where s.adds
//   linear_backward_weight  dw += x^T dy,  db += column sums of dy (db null: left out)
//   linear_backward         all three. Where s.masked, x is what a linear_forward with a ReLU and a dropout made, and
//   dx
//                           is the gradient of what these two took: 0 where x is 0, else divided by 1 - p
//
// On CUDA large layers take the kernels of linear_product.cuh, linear_weights.cuh and linear_backward.cuh, small ones
// those of linear_small.cuh; linear_backward is one launch. The op table has these, cuBLASLt's, and those in ladder/.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/stream.h"
#include "kernels/dropout/dropout.h"

namespace cardiograd::kernels {

struct LinearShape {
  std::int64_t rows = 1;
  std::int64_t inputs = 1;
  std::int64_t outputs = 1;
  Precision precision = Precision::kFp32;  // of the factors x, w and dy; b and db are exact
  bool relu = false;                       // of linear_forward; the others take dy before the ReLU
  bool masked = false;                     // of linear_backward
  bool adds = false;                       // to dx: linear_backward_input and, unless masked, linear_backward
  DropoutKey dropout = {};  // of y behind the ReLU (relu), or of x (masked); element i of the buffer is i

  // The product alone.
  constexpr LinearShape without_epilogue() const {
    return {.rows = rows, .inputs = inputs, .outputs = outputs, .precision = precision};
  }
};

void linear_forward_cpu(const LinearShape& s, const float* x, const float* w, const float* b, float* y);
void linear_backward_input_cpu(const LinearShape& s, const float* w, const float* dy, float* dx);
void linear_backward_weight_cpu(const LinearShape& s, const float* x, const float* dy, float* dw, float* db);
void linear_backward_cpu(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                         float* db);

// The same on the GPU; pointers are to device memory.
void linear_forward_cuda(const LinearShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void linear_backward_input_cuda(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_cuda(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);
void linear_backward_cuda(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                          float* db, Stream stream);

// Which products the GPU computes in tiles of 16 x 16, as of 128 x 64 there would be too few to keep it busy: results
// of (rows, columns).
constexpr bool linear_is_small(std::int64_t rows, std::int64_t columns) {
  return (rows + 127) / 128 * ((columns + 63) / 64) < 20;
}
constexpr bool linear_weight_is_small(const LinearShape& s) {
  return s.rows <= 512 && linear_is_small(s.inputs, s.outputs);
}
// linear_backward in tiles of 16 x 16.
constexpr bool linear_backward_is_small(const LinearShape& s) {
  return linear_is_small(s.rows, s.inputs) && linear_weight_is_small(s);
}

// The kernels that these take for aligned tensors: "small" (tiles of 16 x 16, exact products of rounded factors), "tile
// fp32", "tile tf32", "tile bf16" (128 x 64), or "tile rounded" (exact products of rounded factors, where the GPU has
// no tensor cores for them or rows are no multiples of 16 bytes).
const char* linear_forward_path(const LinearShape& s);
const char* linear_backward_input_path(const LinearShape& s);
const char* linear_backward_weight_path(const LinearShape& s);
const char* linear_backward_path(const LinearShape& s);

}  // namespace cardiograd::kernels
