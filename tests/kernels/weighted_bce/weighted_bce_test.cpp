// Logits far from zero and NaN, which normal numbers do not reach.
#include "kernels/weighted_bce/weighted_bce.h"

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "kernels/weighted_bce/weighted_bce_ref.h"

namespace cardiograd::kernels {
namespace {

struct Single {
  float loss;
  float dlogit;
};

// Loss and gradient of one logit.
template <class Real>
std::pair<Real, Real> reference(Real logit, Real target, Real weight) {
  Real loss, gradient;
  const Real one = 1;
  weighted_bce_forward_ref({1, 1}, &logit, &target, &weight, &loss);
  weighted_bce_backward_ref({1, 1}, &logit, &target, &weight, &one, &gradient);
  return {loss, gradient};
}
Single single(float logit, float target, float weight) {
  Single result{};
  const float one = 1;
  weighted_bce_forward_cpu({1, 1}, &logit, &target, &weight, &result.loss);
  weighted_bce_backward_cpu({1, 1}, &logit, &target, &weight, &one, &result.dlogit);
  return result;
}

TEST(WeightedBce, IsExactForLogitsOfAnySize) {
  // Known limits: softplus(x) -> x for large x, -> exp(x) for very negative x.
  EXPECT_EQ(single(1e4F, 1, 3).loss, 0.0F);
  EXPECT_EQ(single(1e4F, 1, 3).dlogit, 0.0F);
  EXPECT_EQ(single(1e4F, 0, 3).loss, 1e4F);
  EXPECT_EQ(single(1e4F, 0, 3).dlogit, 1.0F);
  EXPECT_EQ(single(-1e4F, 1, 3).loss, 3e4F);
  EXPECT_EQ(single(-1e4F, 1, 3).dlogit, -3.0F);
  EXPECT_EQ(single(-1e4F, 0, 3).loss, 0.0F);
  EXPECT_EQ(single(-1e4F, 0, 3).dlogit, 0.0F);
  EXPECT_FLOAT_EQ(single(-80.0F, 0, 3).loss, std::exp(-80.0F));
  EXPECT_FLOAT_EQ(single(80.0F, 1, 3).dlogit, -3 * std::exp(-80.0F));
  for (const float size : {0.0F, 1e-6F, 0.5F, 17.0F, 50.0F, 88.0F, 104.0F, 1e4F, 1e30F}) {
    for (const float logit : {size, -size}) {
      for (const float target : {0.0F, 1.0F}) {
        const Single got = single(logit, target, 2.5F);
        const auto [loss, gradient] = reference<double>(logit, target, 2.5);
        EXPECT_TRUE(std::isfinite(got.loss) && std::isfinite(got.dlogit)) << logit;
        EXPECT_TRUE(std::abs(got.loss - loss) <= 1e-6 * loss + 1e-45) << logit << " " << target;
        EXPECT_TRUE(std::abs(got.dlogit - gradient) <= 1e-6 * std::abs(gradient) + 1e-45) << logit << " " << target;
      }
    }
  }
}

TEST(WeightedBce, NanGivesNanAndSpoilsNoOtherGradient) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> logits(21, 0.5F);
  logits[11] = nan;
  const std::vector<float> targets = {1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  const std::vector<float> weight = {1, 2, 3};
  const float one = 1;
  float loss = 0;
  std::vector<float> gradient(21);
  weighted_bce_forward_cpu({7, 3}, logits.data(), targets.data(), weight.data(), &loss);
  weighted_bce_backward_cpu({7, 3}, logits.data(), targets.data(), weight.data(), &one, gradient.data());
  EXPECT_TRUE(std::isnan(loss));
  for (std::size_t i = 0; i < 21; ++i) EXPECT_EQ(std::isnan(gradient[i]), i == 11) << i;
}

}  // namespace
}  // namespace cardiograd::kernels
