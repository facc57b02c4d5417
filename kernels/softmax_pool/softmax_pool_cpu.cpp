// The weighted mean on the CPU, a record per task, vectorized over channels.
#include <algorithm>
#include <cstdint>

#include "base/threads.h"
#include "kernels/common/vector_math.h"
#include "kernels/softmax_pool/softmax_pool.h"

namespace cardiograd::kernels {
namespace {

void softmax(std::int64_t time, const float* z, float* w) {
  const float largest = *std::max_element(z, z + time);
  for (std::int64_t t = 0; t < time; ++t) w[t] = fast_exp(z[t] - largest);
  const float sum = lane_sum(time, [&](std::int64_t t) { return w[t]; });
  for (std::int64_t t = 0; t < time; ++t) w[t] /= sum;
}

}  // namespace

void softmax_pool_forward_cpu(const SoftmaxPoolShape& s, const float* z, const float* x, float* w, float* y) {
  parallel_for(s.batch, [&](std::int64_t n) {
    const float* rows = x + n * s.time * s.channels;
    float* weights = w + n * s.time;
    float* mean = y + n * s.channels;
    softmax(s.time, z + n * s.time, weights);
    std::fill_n(mean, s.channels, 0.0F);
    for (std::int64_t t = 0; t < s.time; ++t)
      for (std::int64_t c = 0; c < s.channels; ++c) mean[c] += weights[t] * rows[t * s.channels + c];
  });
}

void softmax_pool_backward_cpu(const SoftmaxPoolShape& s, const float* x, const float* w, const float* dy, float* dz,
                               float* dx) {
  parallel_for(s.batch, [&](std::int64_t n) {
    const float* weights = w + n * s.time;
    const float* gradient = dy + n * s.channels;
    float* scores = dz + n * s.time;
    for (std::int64_t t = 0; t < s.time; ++t) {
      const std::int64_t row = (n * s.time + t) * s.channels;
      scores[t] = lane_sum(s.channels, [&](std::int64_t c) { return gradient[c] * x[row + c]; });
      for (std::int64_t c = 0; c < s.channels; ++c) dx[row + c] = weights[t] * gradient[c];
    }
    const float mean = lane_sum(s.time, [&](std::int64_t t) { return weights[t] * scores[t]; });
    for (std::int64_t t = 0; t < s.time; ++t) scores[t] = weights[t] * (scores[t] - mean);
  });
}

}  // namespace cardiograd::kernels
