#include <algorithm>

#include "base/threads.h"
#include "kernels/select_time/select_time.h"

namespace cardiograd::kernels {

void select_time_forward_cpu(const SelectTimeShape& s, const float* x, float* y) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    std::copy_n(x + (n * s.time + s.sample) * s.channels, s.channels, y + n * s.channels);
}

void select_time_backward_cpu(const SelectTimeShape& s, const float* dy, float* dx) {
  parallel_for(s.batch, [&](std::int64_t n) {
    float* record = dx + n * s.time * s.channels;
    std::fill_n(record, s.time * s.channels, 0.0F);
    std::copy_n(dy + n * s.channels, s.channels, record + s.sample * s.channels);
  });
}

}  // namespace cardiograd::kernels
