// Other versions of the linear layer on the GPU: earlier ones, each slower than the next, the last slower than those of
// linear_paths.h (docs/ladders/matmul.md climbs them), and a library's. Signatures as in linear.h.
#pragma once

#include "kernels/common/stream.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

// One thread per result.
void linear_forward_naive(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                          Stream stream);
// Operands in shared memory.
void linear_forward_shared(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                           Stream stream);
// 4 x 4 results in the registers of a thread (kernels/gemm/gemm_cuda.cuh).
void linear_forward_tile(const LinearShape& s, const float* x, const float* w, const float* b, float* y, Stream stream);
void linear_backward_input_tile(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_tile(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                 Stream stream);

// The products of convolutions (kernels/gemm/product.h).
void linear_forward_product(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                            Stream stream);
void linear_backward_input_product(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_product(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                    Stream stream);

// cuBLASLt; in builds that have it (CARDIOGRAD_CUBLASLT).
void linear_forward_library(const LinearShape& s, const float* x, const float* w, const float* b, float* y,
                            Stream stream);
void linear_backward_input_library(const LinearShape& s, const float* w, const float* dy, float* dx, Stream stream);
void linear_backward_weight_library(const LinearShape& s, const float* x, const float* dy, float* dw, float* db,
                                    Stream stream);

}  // namespace cardiograd::kernels
