// Addition on the GPU, one element at a time (elementwise_cuda.cuh).
#include <cstdint>

#include "kernels/add/add.h"
#include "kernels/common/column_sum_cuda.cuh"
#include "kernels/common/elementwise_cuda.cuh"
#include "simt/simt.h"

namespace cardiograd::kernels {

struct AddBody {
  const float* a;
  const float* b;
  std::int64_t period;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] = a[i] + b[i % period]; }
};

struct AccumulateBody {
  const float* x;
  float* y;
  __device__ void operator()(std::int64_t i) const { y[i] += x[i]; }
};

void add_forward_cuda(const AddShape& s, const float* a, const float* b, float* y, Stream stream) {
  for_each_element(s.count, stream, AddBody{a, b, s.period, y});
}

void add_backward_broadcast_cuda(const AddShape& s, const float* dy, float* db, Stream stream) {
  add_column_sums(s.count / s.period, s.period, dy, db, stream);
}

void accumulate_forward_cuda(const AddShape& s, const float* x, float* y, Stream stream) {
  for_each_element(s.count, stream, AccumulateBody{x, y});
}

}  // namespace cardiograd::kernels
