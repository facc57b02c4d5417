// Concatenation on the GPU, one element of the wide matrix at a time (elementwise_cuda.cuh).
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/concat/concat.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct ConcatForwardBody {
  const float* a;
  const float* b;
  std::int64_t width_a;
  std::int64_t width_b;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t row = i / (width_a + width_b);
    const std::int64_t d = i % (width_a + width_b);
    y[i] = d < width_a ? a[row * width_a + d] : b[row * width_b + d - width_a];
  }
};

struct ConcatBackwardBody {
  const float* dy;
  std::int64_t width_a;
  std::int64_t width_b;
  float* da;
  float* db;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t row = i / (width_a + width_b);
    const std::int64_t d = i % (width_a + width_b);
    if (d < width_a)
      da[row * width_a + d] = dy[i];
    else
      db[row * width_b + d - width_a] = dy[i];
  }
};

void concat_forward_cuda(const ConcatShape& s, const float* a, const float* b, float* y, Stream stream) {
  for_each_element(s.rows * (s.width_a + s.width_b), stream, ConcatForwardBody{a, b, s.width_a, s.width_b, y});
}

void concat_backward_cuda(const ConcatShape& s, const float* dy, float* da, float* db, Stream stream) {
  for_each_element(s.rows * (s.width_a + s.width_b), stream, ConcatBackwardBody{dy, s.width_a, s.width_b, da, db});
}

}  // namespace cardiograd::kernels
