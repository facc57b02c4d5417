// NaN and the far tails, which normal numbers do not reach.
#include "kernels/activation/activation.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/activation/activation_ref.h"

namespace cardiograd::kernels {
namespace {

TEST(Activation, NanStaysNan) {
  // In the middle of vectors and in the tail.
  const std::int64_t count = 77;
  std::vector<float> nan(count, 1.0F);
  for (const std::size_t i : {3U, 40U, 76U}) nan[i] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> one(count, 1.0F);
  std::vector<float> out(count);
  const auto check = [&](const char* name) {
    for (std::size_t i = 0; i < nan.size(); ++i) EXPECT_EQ(std::isnan(out[i]), std::isnan(nan[i])) << name << " " << i;
  };
  relu_forward_cpu({count}, nan.data(), out.data());
  check("relu");
  relu_backward_cpu({count}, one.data(), nan.data(), out.data());
  check("relu gradient");
  gelu_forward_cpu({count}, nan.data(), out.data());
  check("gelu");
  gelu_backward_cpu({count}, nan.data(), one.data(), out.data());
  check("gelu gradient, x");
  gelu_backward_cpu({count}, one.data(), nan.data(), out.data());
  check("gelu gradient, dy");
}

TEST(Activation, ReluHasNoGradientAtZero) {
  const std::vector<float> y = {0.0F, -0.0F, 1.0F};
  const std::vector<float> dy = {5.0F, 5.0F, 5.0F};
  std::vector<float> dx(3);
  relu_backward_cpu({3}, y.data(), dy.data(), dx.data());
  EXPECT_EQ(dx, (std::vector<float>{0.0F, 0.0F, 5.0F}));
}

TEST(Activation, GeluIsExactEverywhere) {
  std::vector<float> x;
  for (int i = -130'000; i <= 130'000; ++i) x.push_back(static_cast<float>(i) * 1e-4F);
  for (const float far : {1e2F, 1e4F, 1e18F, 3e38F}) x.insert(x.end(), {far, -far});
  const ActivationShape s = {static_cast<std::int64_t>(x.size())};
  const std::vector<double> wide(x.begin(), x.end());
  const std::vector<double> one(x.size(), 1.0);
  const std::vector<float> one_float(x.size(), 1.0F);
  std::vector<double> y_expected(x.size()), dx_expected(x.size());
  std::vector<float> y(x.size()), dx(x.size());
  gelu_forward_ref(s, wide.data(), y_expected.data());
  gelu_backward_ref(s, wide.data(), one.data(), dx_expected.data());
  gelu_forward_cpu(s, x.data(), y.data());
  gelu_backward_cpu(s, x.data(), one_float.data(), dx.data());
  for (std::size_t i = 0; i < x.size(); ++i) {
    // Relative to the value itself, down the left tail too: its exponent -x^2/2 has a rounding error of x^2/2 units.
    const double fraction = 8e-7 + 6e-8 * std::min(100.0, wide[i] * wide[i] / 2);
    EXPECT_TRUE(std::abs(y[i] - y_expected[i]) <= fraction * std::abs(y_expected[i]) + 1e-30) << x[i];
    // The gradient crosses zero at -0.75.
    EXPECT_TRUE(std::abs(dx[i] - dx_expected[i]) <= 3e-7) << x[i];
  }
}

}  // namespace
}  // namespace cardiograd::kernels
