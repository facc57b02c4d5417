#include <cmath>

#include "kernels/common/elementwise_cpu.h"
#include "kernels/weight_average/weight_average.h"
#include "kernels/weight_average/weight_average_rate.h"

namespace cardiograd::kernels {

void weight_average_forward_cpu(const WeightAverageShape& s, const float* value, float* average) {
  const float rate = weight_average_rate(s.decay, s.step);
  parallel_ranges(s.count, kElementsPerTask, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) average[i] = std::fma(rate, value[i] - average[i], average[i]);
  });
}

}  // namespace cardiograd::kernels
