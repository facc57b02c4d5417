// What the shipped kernels do where they store a product, as passes of their own behind it: for the other variants.
#pragma once

#include "kernels/add/add.h"
#include "kernels/common/scratch_cuda.h"
#include "kernels/dropout/dropout.h"
#include "kernels/linear/linear.h"

namespace cardiograd::kernels {

// The dropout behind linear_forward's ReLU.
inline void drop_output(const LinearShape& s, float* y, Stream stream) {
  if (s.relu && s.dropout.probability > 0) dropout_cuda({s.rows * s.outputs, s.dropout}, y, y, stream);
}

// product(to) writes a product of dx's shape: to dx itself, or to be added to it.
template <class Product>
void put_input_gradient(const LinearShape& s, float* dx, Stream stream, const Product& product) {
  if (!s.adds) return product(dx);
  const std::int64_t count = s.rows * s.inputs;
  float* const term = cuda_scratch(stream, CudaScratchUse::kColumnSums, count);
  product(term);
  accumulate_forward_cuda({.count = count, .period = count}, term, dx, stream);
}

}  // namespace cardiograd::kernels
