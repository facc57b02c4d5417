// Max pooling on the GPU, one element at a time (elementwise_cuda.cuh). The backward direction gathers: each sample
// asks the windows that hold it, so that nothing is added by several threads.
#include <cstdint>

#include "kernels/common/elementwise_cuda.cuh"
#include "kernels/max_pool/max_pool.h"
#include "simt/simt.h"

namespace cardiograd::kernels {

// The sample of window t whose value is the maximum; `record` is one channel of one record. The first of equals wins,
// and the last NaN beats everything.
__device__ inline std::int64_t max_pool_winner(const MaxPoolShape& s, const float* record, std::int64_t t) {
  const std::int64_t start = t * s.stride - s.padding;
  const std::int64_t first = start < 0 ? 0 : start;
  const std::int64_t last = start + s.kernel < s.time ? start + s.kernel : s.time;
  std::int64_t winner = first;
  float best = record[first * s.channels];
  for (std::int64_t i = first + 1; i < last; ++i) {
    const float next = record[i * s.channels];
    if (next > best || next != next) {
      best = next;
      winner = i;
    }
  }
  return winner;
}

// Element i of y.
struct MaxPoolForwardBody {
  MaxPoolShape s;
  std::int64_t output_time;
  const float* x;
  float* y;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t t = i / s.channels % output_time;
    const float* record = x + i / (s.channels * output_time) * s.time * s.channels + i % s.channels;
    y[i] = record[max_pool_winner(s, record, t) * s.channels];
  }
};

// Element i of x.
struct MaxPoolBackwardBody {
  MaxPoolShape s;
  std::int64_t output_time;
  const float* x;
  const float* dy;
  float* dx;
  __device__ void operator()(std::int64_t i) const {
    const std::int64_t sample = i / s.channels % s.time;
    const std::int64_t record = i / (s.channels * s.time);
    const std::int64_t channel = i % s.channels;
    const float* from = x + record * s.time * s.channels + channel;
    const float* gradient = dy + record * output_time * s.channels + channel;
    const std::int64_t reach = sample + s.padding;  // windows t with t * stride <= reach < t * stride + kernel
    std::int64_t first = reach < s.kernel ? 0 : (reach - s.kernel) / s.stride + 1;
    const std::int64_t last = reach / s.stride < output_time - 1 ? reach / s.stride : output_time - 1;
    float sum = 0;
    for (; first <= last; ++first)
      if (max_pool_winner(s, from, first) == sample) sum += gradient[first * s.channels];
    dx[i] = sum;
  }
};

void max_pool_forward_cuda(const MaxPoolShape& s, const float* x, float* y, Stream stream) {
  for_each_element(s.batch * s.output_time() * s.channels, stream, MaxPoolForwardBody{s, s.output_time(), x, y});
}

void max_pool_backward_cuda(const MaxPoolShape& s, const float* x, const float* dy, float* dx, Stream stream) {
  for_each_element(s.batch * s.time * s.channels, stream, MaxPoolBackwardBody{s, s.output_time(), x, dy, dx});
}

}  // namespace cardiograd::kernels
