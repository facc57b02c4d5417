// The matrix products of convolutions and linear layers on the GPU with the project's own kernels. A linear layer is a
// convolution of one tap over one record. Letters as in slab_product.cuh and weight_product.cuh, which compute them.
#pragma once

#include <cstdint>

#include "base/precision.h"
#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct ProductShape {
  std::int64_t records = 1;
  std::int64_t time_in = 1;   // rows of a record of the left operand
  std::int64_t time_out = 1;  // rows of a record of the result
  std::int64_t taps = 1;
  std::int64_t dilation = 1;
  std::int64_t first = 0;     // row of the left operand that row 0 of the result reads at tap 0
  std::int64_t stride = 1;    // rows of the left operand between rows of the result
  std::int64_t upsample = 1;  // the left operand's rows are this far apart, with zeros between
  std::int64_t groups = 1;
  std::int64_t depth = 1;    // channels of a group of the left operand
  std::int64_t columns = 1;  // of a group of the result
  Precision precision = Precision::kFp32;
};

// c (records, time_out, groups * columns) = a (records, time_in, groups * depth) times w (taps, depth, groups *
// columns),
// + bias (groups * columns) where it is not null, then a ReLU where `relu`. Throws Error for sizes beyond 2^31 - 1.
void product_cuda(const ProductShape& s, const float* a, const float* w, const float* bias, bool relu, float* c,
                  Stream stream);

// Where the mean and variance of c's columns over all rows of all records go, as batch_norm.h says.
struct ProductStatistics {
  float momentum = 0;
  float* running_mean = nullptr;
  float* running_var = nullptr;
  float* mean = nullptr;
  float* variance = nullptr;
};
// product_cuda without a ReLU, and the statistics of c in the same launch. False where no kernel does that for the
// shape or the tensors: then nothing was launched.
bool product_with_statistics_cuda(const ProductShape& s, const float* a, const float* w, const float* bias, float* c,
                                  const ProductStatistics& statistics, Stream stream);
// "" where product_with_statistics_cuda has no kernel, else as product_path.
const char* statistics_path(const ProductShape& s);

// product_cuda by the kernel for any shape, whatever the shape.
void gather_product_cuda(const ProductShape& s, const float* a, const float* w, const float* bias, float* c,
                         Stream stream);

// product_cuda with w (taps, columns, groups * depth) turned: taps in reverse order, each tap's matrix transposed. No
// bias. One launch; the kernel for any shape takes a transposed copy of w, which is a launch more.
void turned_product_cuda(const ProductShape& s, const float* a, const float* w, float* c, Stream stream);

// dw (taps, depth, groups * columns) += x (records, time_in, groups * depth) transposed times
// dy (records, time_out, groups * columns).
void weight_product_cuda(const ProductShape& s, const float* x, const float* dy, float* dw, Stream stream);

// Which kernel computes them for aligned tensors on the present GPU: "slab fp32", "slab tf32", "slab bf16" (the
// weights' gradient: "tile ...") read 16 bytes at a time; "gather" takes any shape, and emulates tf32 and bf16 where
// the GPU has no tensor cores for them.
const char* product_path(const ProductShape& s);
const char* turned_product_path(const ProductShape& s);
const char* weight_product_path(const ProductShape& s);

}  // namespace cardiograd::kernels
