// Concatenation of two matrices side by side.
//
//   y[r] = (a[r], b[r])        a  (R, A)    b  (R, B)    y  (R, A + B)
//
//   concat_forward    y =          concat_backward   da, db =
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct ConcatShape {
  std::int64_t rows = 1;
  std::int64_t width_a = 1;
  std::int64_t width_b = 1;
};

void concat_forward_cpu(const ConcatShape& s, const float* a, const float* b, float* y);
void concat_backward_cpu(const ConcatShape& s, const float* dy, float* da, float* db);

// The same on the GPU; pointers are to device memory.
void concat_forward_cuda(const ConcatShape& s, const float* a, const float* b, float* y, Stream stream);
void concat_backward_cuda(const ConcatShape& s, const float* dy, float* da, float* db, Stream stream);

}  // namespace cardiograd::kernels
