#include "model/attribution.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "engine/ops/ops.h"
#include "model/hc_cnn_tn.h"
#include "tests/common/expect_error.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::expect_error;

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  PhiloxStream random(seed);
  Tensor x = Tensor::empty(shape);
  for (std::int64_t i = 0; i < x.count(); ++i) x.data()[i] = static_cast<float>(random.normal());
  return x;
}

// logits = (signals, features) w: contributions are known.
class LinearModel : public Model {
 public:
  LinearModel() : Model({.classes = 2, .features = 3, .leads = 2, .samples = 5}) {
    w_ = random_tensor({13, 2}, 4);
    b_ = random_tensor({2}, 5);
    add_parameter("w", w_, nn::Layout::kLinear);
    add_parameter("b", b_);
  }
  Tensor encode(const Tensor& signals) override { return ops::reshape(signals, {signals.dim(0), 10}); }
  Tensor classify(const Tensor& encoded, const Tensor& features) override {
    return ops::linear(ops::concat(encoded, features), w_, b_);
  }
  double weight(std::int64_t input, std::int64_t target) const {
    return static_cast<double>(w_.data()[input * 2 + target]);
  }

 private:
  Tensor w_;
  Tensor b_;
};

ExplainedCase random_case(const Model& net, std::int64_t target) {
  const DataShape& shape = net.shape();
  return {random_tensor({1, shape.samples, shape.leads}, 6),
          shape.features > 0 ? random_tensor({1, shape.features}, 7) : Tensor(), target};
}

HcCnnTn small_net(std::int64_t features) {
  return {{.classes = 3,
           .features = features,
           .leads = 3,
           .samples = 64,
           .channels = {6, 8},
           .kernels = {5, 3},
           .encoder_layers = 1,
           .heads = 2,
           .feed_forward = 12,
           .feature_width = 6,
           .head_width = 10},
          9};
}

TEST(Attribution, OfALinearModelIsWeightTimesInput) {
  LinearModel net;
  const ExplainedCase c = random_case(net, 1);
  const Attribution a = integrated_gradients(net, c, {.steps = 3, .batch_size = 2});
  for (std::int64_t i = 0; i < 10; ++i)
    EXPECT_TRUE(std::abs(a.signals[static_cast<std::size_t>(i)] -
                         net.weight(i, 1) * static_cast<double>(c.signals.data()[i])) <= 1e-6);
  for (std::int64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(std::abs(a.features[static_cast<std::size_t>(i)] -
                         net.weight(10 + i, 1) * static_cast<double>(c.features.data()[i])) <= 1e-6);
  EXPECT_TRUE(std::abs(a.missed()) <= 1e-6);
}

TEST(Attribution, GradientOfALinearModelIsItsWeights) {
  LinearModel net;
  const std::vector<double> gradient = plain_gradient(net, random_case(net, 0));
  ASSERT_EQ(gradient.size(), 10U);
  for (std::int64_t i = 0; i < 10; ++i) EXPECT_EQ(gradient[static_cast<std::size_t>(i)], net.weight(i, 0));
}

TEST(Attribution, OcclusionOfALinearModelTakesAWindowsShareAway) {
  LinearModel net;
  const ExplainedCase c = random_case(net, 0);
  const std::vector<double> falls = occlusion(net, c, 2, 4);
  ASSERT_EQ(falls.size(), 6U);  // Windows of samples 0-1, 2-3 and 4, of two leads.
  for (std::int64_t window = 0; window < 3; ++window)
    for (std::int64_t lead = 0; lead < 2; ++lead) {
      double expected = 0;
      for (std::int64_t t = 2 * window; t < std::min<std::int64_t>(2 * window + 2, 5); ++t)
        expected += net.weight(2 * t + lead, 0) * static_cast<double>(c.signals.data()[2 * t + lead]);
      EXPECT_TRUE(std::abs(falls[static_cast<std::size_t>(2 * window + lead)] - expected) <= 1e-5);
    }
}

TEST(Attribution, ContributionsAddUpToTheLogit) {
  for (const std::int64_t features : {0, 4}) {
    HcCnnTn net = small_net(features);
    for (std::int64_t target = 0; target < 3; ++target) {
      const Attribution a = integrated_gradients(net, random_case(net, target));
      EXPECT_TRUE(std::abs(a.missed()) <= 0.01 * std::abs(a.logit - a.baseline_logit))
          << a.missed() << " of " << a.logit - a.baseline_logit;
    }
  }
}

TEST(Attribution, BatchesDoNotChangeTheResult) {
  HcCnnTn net = small_net(4);
  const ExplainedCase c = random_case(net, 2);
  const Attribution one = integrated_gradients(net, c, {.steps = 9, .batch_size = 1});
  const Attribution many = integrated_gradients(net, c, {.steps = 9, .batch_size = 4});
  double largest = 0;
  for (std::size_t i = 0; i < one.signals.size(); ++i)
    largest = std::max(largest, std::abs(one.signals[i] - many.signals[i]));
  EXPECT_TRUE(largest <= 1e-6) << largest;
}

TEST(Attribution, LeavesTheModelAsItWas) {
  HcCnnTn net = small_net(4);
  net.set_training(true);
  integrated_gradients(net, random_case(net, 0), {.steps = 2});
  EXPECT_TRUE(net.training());
  for (const nn::NamedTensor& parameter : net.parameters()) {
    EXPECT_TRUE(parameter.tensor->requires_grad()) << parameter.name;
    EXPECT_FALSE(parameter.tensor->grad().defined()) << parameter.name;
  }
}

TEST(Attribution, RefusesWhatDoesNotFit) {
  HcCnnTn net = small_net(4);
  ExplainedCase c = random_case(net, 3);
  expect_error([&] { integrated_gradients(net, c); }, {"class 3", "has 3"});
  c.target = 0;
  expect_error([&] { integrated_gradients(net, c, {.steps = 0}); }, {"0 steps"});
  expect_error([&] { occlusion(net, c, 0); }, {"0 samples"});
  c.signals = random_tensor({1, 63, 3}, 1);
  EXPECT_THROW(plain_gradient(net, c), Error);
}

}  // namespace
}  // namespace cardiograd::model
