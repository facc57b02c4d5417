// What random shapes and normal numbers do not show about batch normalization.
#include "kernels/batch_norm/batch_norm.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"

namespace cardiograd::kernels {
namespace {

struct Layer {
  explicit Layer(const BatchNormShape& shape)
      : s(shape),
        x(elements()),
        y(elements()),
        gamma(channels(), 1.0F),
        beta(channels()),
        running_mean(channels()),
        running_var(channels(), 1.0F),
        mean(channels()),
        variance(channels()) {}
  std::size_t channels() const { return static_cast<std::size_t>(s.channels); }
  std::size_t elements() const { return static_cast<std::size_t>(s.rows) * channels(); }
  void forward() {
    batch_norm_forward_cpu(s, x.data(), gamma.data(), beta.data(), running_mean.data(), running_var.data(), y.data(),
                           mean.data(), variance.data());
  }
  void fill(std::uint64_t seed, double center, double deviation) {
    PhiloxStream stream(seed);
    for (float& value : x) value = static_cast<float>(center + deviation * stream.normal());
  }
  // Mean and sum of squared deviations of channel c in long double.
  std::pair<long double, long double> moments(std::size_t c) const {
    long double sum = 0;
    for (std::size_t i = c; i < x.size(); i += channels()) sum += x[i];
    const long double center = sum / static_cast<long double>(s.rows);
    long double squares = 0;
    for (std::size_t i = c; i < x.size(); i += channels()) squares += (x[i] - center) * (x[i] - center);
    return {center, squares};
  }

  BatchNormShape s;
  std::vector<float> x, y, gamma, beta, running_mean, running_var, mean, variance;
};

TEST(BatchNorm, KeepsASmallVarianceBesideALargeMean) {
  Layer layer({.rows = 12345, .channels = 19, .epsilon = 0});
  layer.fill(1, 1e4, 1e-2);
  layer.forward();
  for (std::size_t c = 0; c < layer.channels(); ++c) {
    const auto [center, squares] = layer.moments(c);
    const double expected = static_cast<double>(squares) / 12345;
    EXPECT_TRUE(std::abs(layer.variance[c] - expected) <= 1e-6 * expected) << layer.variance[c] << " " << expected;
    // y has the normalized value although the mean itself has a rounding error of up to 5 % of a deviation.
    for (std::size_t i = c; i < layer.x.size(); i += 997 * layer.channels()) {
      const double normal = static_cast<double>((layer.x[i] - center) / std::sqrt(squares / 12345));
      EXPECT_TRUE(std::abs(layer.y[i] - normal) <= 1e-5) << layer.y[i] << " " << normal;
    }
  }
}

TEST(BatchNorm, RunningStatisticsFollowSeveralSteps) {
  Layer layer({.rows = 300, .channels = 7, .momentum = 0.1});
  std::vector<double> mean(7, 0.0);
  std::vector<double> variance(7, 1.0);
  for (std::uint64_t step = 0; step < 20; ++step) {
    layer.fill(step, 3, 2);
    layer.forward();
    for (std::size_t c = 0; c < 7; ++c) {
      const auto [center, squares] = layer.moments(c);
      mean[c] += 0.1 * (static_cast<double>(center) - mean[c]);
      variance[c] += 0.1 * (static_cast<double>(squares) / 299 - variance[c]);
    }
  }
  for (std::size_t c = 0; c < 7; ++c) {
    EXPECT_TRUE(std::abs(layer.running_mean[c] - mean[c]) <= 1e-6 * mean[c]);
    EXPECT_TRUE(std::abs(layer.running_var[c] - variance[c]) <= 1e-6 * variance[c]);
  }
}

TEST(BatchNorm, NanSpoilsItsChannelAndNoOther) {
  for (const bool relu : {false, true}) {
    Layer layer({.rows = 200, .channels = 5, .relu = relu});
    layer.fill(3, 0, 1);
    layer.x[150 * 5 + 2] = std::numeric_limits<float>::quiet_NaN();
    layer.forward();
    for (std::size_t i = 0; i < layer.y.size(); ++i) EXPECT_EQ(std::isnan(layer.y[i]), i % 5 == 2);
    EXPECT_TRUE(std::isnan(layer.running_mean[2]));
    EXPECT_TRUE(std::isnan(layer.running_var[2]));
  }
}

TEST(BatchNorm, AConstantChannelGivesBeta) {
  Layer layer({.rows = 129, .channels = 3});
  layer.beta = {-1.0F, 0.5F, 2.0F};
  for (float& value : layer.x) value = 12345.678F;
  layer.forward();
  for (std::size_t i = 0; i < layer.y.size(); ++i) EXPECT_EQ(layer.y[i], layer.beta[i % 3]);
}

}  // namespace
}  // namespace cardiograd::kernels
