// The two ways in which the GPU computes linear layers, each for any shape: linear_..._cuda chooses one, and the op
// table has both as variants. Signatures as in linear.h.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

// Tiles of 16 x 16: many blocks for little work (linear_small.cuh).
void linear_forward_small(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                          Stream stream);
void linear_backward_input_small(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_small(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                  Stream stream);
void linear_backward_small(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                           float* db, Stream stream);

// Tiles of 128 x 64 (linear_product.cuh, linear_weights.cuh, linear_backward.cuh).
void linear_forward_wide(const LinearShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void linear_backward_input_wide(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_wide(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);
void linear_backward_wide(const LinearShape& s, const float* x, const float* w, const float* dy, float* dx, float* dw,
                          float* db, Stream stream);

}  // namespace cardiograd::kernels
