// The one loop of the long convolution, by vector instructions: the interface between long_conv1d_cpu.cpp and the files
// compiled for one instruction set each. Only plain types here.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// Rows of `lanes` neighboring channels: out[i] += sum over j of a[j] * b[j - i + shift], with 0 <= j < a_rows and
// 0 <= j - i + shift < b_rows, for i in 0 ... out_rows - 1. The sum runs over rising j. Forward, both gradients, all
// have this form: of x and w, of dy and w backwards, of x and dy.
struct Correlation {
  const float* a;
  const float* b;  // with block - 1 rows of zeros before it and behind it
  float* out;      // rows up to the next multiple of `block` are read and written too
  std::int64_t a_rows;
  std::int64_t b_rows;
  std::int64_t out_rows;
  std::int64_t shift;
};

struct LongConvKernel {
  std::int64_t lanes;  // channels of a row
  std::int64_t block;  // rows of `out` that stay in registers
  void (*correlate)(const Correlation& c);
};

extern const LongConvKernel kLongConvAvx2;
extern const LongConvKernel kLongConvAvx512;

}  // namespace cardiograd::kernels
