// Ties and NaN, which random numbers do not have.
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/max_pool/max_pool_spec.h"

namespace cardiograd::kernels {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Pairs, overlapping windows, and windows with padding.
const std::vector<MaxPoolShape> kShapes = {
    {.batch = 2, .time = 9, .channels = 37, .kernel = 2, .stride = 2},
    {.batch = 2, .time = 9, .channels = 37, .kernel = 3, .stride = 1, .padding = 1},
    {.batch = 2, .time = 9, .channels = 67, .kernel = 3, .stride = 4}};

TEST(MaxPool, TheFirstOfEqualMaximaTakesTheGradient) {
  for (const MaxPoolShape& s : kShapes) {
    for (const float value : {0.0F, 1.5F, -kInfinity}) {
      const std::vector<float> x(static_cast<std::size_t>(s.batch * s.time * s.channels), value);
      const std::vector<float> dy(static_cast<std::size_t>(s.batch * s.output_time() * s.channels), 1.0F);
      std::vector<float> expected(x.size());
      for (std::int64_t n = 0; n < s.batch; ++n) {
        for (std::int64_t t = 0; t < s.output_time(); ++t) {
          const std::int64_t first = std::max<std::int64_t>(0, t * s.stride - s.padding);
          for (std::int64_t c = 0; c < s.channels; ++c)
            expected[static_cast<std::size_t>((n * s.time + first) * s.channels + c)] += 1.0F;
        }
      }
      std::vector<float> dx(x.size(), kNan);
      max_pool_backward_cpu(s, x.data(), dy.data(), dx.data());
      EXPECT_EQ(dx, expected) << MaxPoolSpec::describe(s) << " " << value;
    }
  }
}

TEST(MaxPool, NanReachesTheOutputOfItsWindows) {
  for (const MaxPoolShape& s : kShapes) {
    for (std::int64_t place = 0; place < s.time; ++place) {
      std::vector<float> x(static_cast<std::size_t>(s.batch * s.time * s.channels), 1.0F);
      x[static_cast<std::size_t>((s.time + place) * s.channels + 5)] = kNan;
      std::vector<float> y(static_cast<std::size_t>(s.batch * s.output_time() * s.channels), kNan);
      max_pool_forward_cpu(s, x.data(), y.data());
      for (std::int64_t i = 0; i < static_cast<std::int64_t>(y.size()); ++i) {
        const std::int64_t start = i / s.channels % s.output_time() * s.stride - s.padding;
        const bool inside =
            i / s.channels / s.output_time() == 1 && i % s.channels == 5 && start <= place && place < start + s.kernel;
        EXPECT_EQ(std::isnan(y[static_cast<std::size_t>(i)]), inside) << MaxPoolSpec::describe(s) << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace cardiograd::kernels
