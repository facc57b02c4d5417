#include "model/attribution.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "engine/autograd.h"
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

HcCnnTn small_net(std::int64_t features, Pool pool = Pool::kMean) {
  return {{.classes = 3,
           .features = features,
           .leads = 3,
           .samples = 64,
           .channels = {6, 8},
           .kernels = {5, 3},
           .encoder_layers = 1,
           .heads = 2,
           .feed_forward = 12,
           .pool = pool,
           .feature_width = 6,
           .head_width = 10},
          9};
}

TEST(Attribution, OfALinearModelIsWeightTimesInput) {
  LinearModel net;
  const ExplainedCase c = random_case(net, 1);
  const Attribution a = integrated_gradients(net, c, {.steps = 3, .most_steps = 3, .batch_size = 2});
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

TEST(Attribution, MoreStepsUntilLittleIsMissed) {
  HcCnnTn net = small_net(4);
  const ExplainedCase c = random_case(net, 1);
  const Attribution coarse = integrated_gradients(net, c, {.steps = 1, .most_steps = 1});
  const Attribution fine = integrated_gradients(net, c, {.steps = 1, .most_steps = 4096, .tolerance = 1e-3});
  EXPECT_EQ(coarse.steps, 1);
  EXPECT_GT(fine.steps, 1);
  EXPECT_TRUE(fine.missed_fraction() <= 1e-3);
  EXPECT_TRUE(fine.missed_fraction() < coarse.missed_fraction());
}

TEST(Attribution, LogitsWithoutPartsOfALinearModel) {
  LinearModel net;
  const ExplainedCase c = random_case(net, 1);
  const std::vector<double> logits =
      logits_without(net, c, {{}, {.samples = {{1, 2}, {4, 1}}, .leads = {1}}, {.features = {0, 2}}}, 2);
  ASSERT_EQ(logits.size(), 3U);
  double samples = logits[0], features = logits[0];
  for (const std::int64_t t : {1, 2, 4})
    samples -= net.weight(2 * t + 1, 1) * static_cast<double>(c.signals.data()[2 * t + 1]);
  for (const std::int64_t f : {0, 2}) features -= net.weight(10 + f, 1) * static_cast<double>(c.features.data()[f]);
  EXPECT_TRUE(std::abs(logits[1] - samples) <= 1e-5);
  EXPECT_TRUE(std::abs(logits[2] - features) <= 1e-5);
}

// The gradient of the logit for the tokens by central differences in place of the backward pass.
TEST(Attribution, GradCamIsActivationTimesMeanGradient) {
  HcCnnTn net = small_net(4);
  double largest = 0;
  for (std::int64_t target = 0; target < 3; ++target) {
    const ExplainedCase c = random_case(net, target);
    const std::vector<double> cam = grad_cam(net, c);
    Tensor tokens = net.convolve(c.signals).clone();
    const std::int64_t time = tokens.dim(1), channels = tokens.dim(2);
    ASSERT_EQ(cam.size(), static_cast<std::size_t>(time));
    const auto logit = [&] {
      const NoGrad no_grad;
      return static_cast<double>(net.classify(net.encode_tokens(tokens), c.features).data()[target]);
    };
    std::vector<double> expected(cam.size());
    for (std::int64_t k = 0; k < channels; ++k) {
      double gradient = 0;
      for (std::int64_t t = 0; t < time; ++t) {
        float& value = tokens.data()[t * channels + k];
        const float before = value;
        value = before + 0.01F;
        const double above = logit();
        value = before - 0.01F;
        gradient += (above - logit()) / 0.02 / static_cast<double>(time);
        value = before;
      }
      for (std::int64_t t = 0; t < time; ++t)
        expected[static_cast<std::size_t>(t)] += gradient * static_cast<double>(tokens.data()[t * channels + k]);
    }
    for (std::size_t t = 0; t < cam.size(); ++t) {
      EXPECT_TRUE(std::abs(cam[t] - std::max(expected[t], 0.0)) <= 2e-3) << target << " " << t;
      largest = std::max(largest, cam[t]);
    }
  }
  EXPECT_GT(largest, 0);  // Of a class with nothing that speaks for it the map is empty.
}

TEST(Attribution, RolloutSharesOutTheMean) {
  HcCnnTn net = small_net(0);
  const ExplainedCase c = random_case(net, 0);
  const std::vector<double> rollout = attention_rollout(net, c);
  ASSERT_EQ(rollout.size(), 16U);
  EXPECT_TRUE(std::abs(std::accumulate(rollout.begin(), rollout.end(), 0.0) - 1) <= 1e-6);
  // One layer: half of the token's own sixteenth, half of the mean attention that it gets.
  const Tensor weights = net.attention_weights(net.convolve(c.signals)).front();
  for (std::int64_t j = 0; j < 16; ++j) {
    double got = 0;
    for (std::int64_t head = 0; head < 2; ++head)
      for (std::int64_t i = 0; i < 16; ++i)
        got += static_cast<double>(weights.data()[(head * 16 + i) * 16 + j]) / 2 / 16;
    EXPECT_TRUE(std::abs(rollout[static_cast<std::size_t>(j)] - (0.5 / 16 + got / 2)) <= 1e-6);
  }
}

// Half of what the head reads are maxima: each comes from one token.
TEST(Attribution, RolloutBeginsWithWhatPoolingTakes) {
  HcCnnTn net = small_net(0, Pool::kMeanMax);
  const ExplainedCase c = random_case(net, 0);
  const Tensor convolved = net.convolve(c.signals);
  const std::vector<double> parts = net.pooled_parts(convolved);
  ASSERT_EQ(parts.size(), 16U);
  double sum = 0, largest = 0;
  for (const double part : parts) {
    const double maxima = (part - 0.5 / 16) * 2 * 8;  // of 8 channels
    EXPECT_TRUE(maxima >= -1e-9 && std::abs(maxima - std::round(maxima)) <= 1e-9) << part;
    sum += part;
    largest = std::max(largest, part);
  }
  EXPECT_TRUE(std::abs(sum - 1) <= 1e-9);
  EXPECT_GT(largest, 1.0 / 16);
  const std::vector<double> rollout = attention_rollout(net, c);
  EXPECT_TRUE(std::abs(std::accumulate(rollout.begin(), rollout.end(), 0.0) - 1) <= 1e-6);
  const Tensor weights = net.attention_weights(convolved).front();
  for (std::size_t j = 0; j < 16; ++j) {
    double expected = parts[j] / 2;
    for (std::size_t row = 0; row < 2 * 16; ++row)
      expected += parts[row % 16] / 2 * static_cast<double>(weights.data()[row * 16 + j]) / 2;
    EXPECT_TRUE(std::abs(rollout[j] - expected) <= 1e-6);
  }
  EXPECT_EQ(grad_cam(net, c).size(), 16U);
}

TEST(Attribution, LooksIntoHcCnnTnAlone) {
  LinearModel net;
  const ExplainedCase c = random_case(net, 0);
  expect_error([&] { grad_cam(net, c); }, {"Grad-CAM", "HC-CNN-TN"});
  expect_error([&] { attention_rollout(net, c); }, {"attention rollout"});
  expect_error([&] { logits_without(net, c, {{.samples = {{4, 2}}, .leads = {0}}}); }, {"sample 5", "there are 5"});
  expect_error([&] { logits_without(net, c, {{.features = {3}}}); }, {"feature 3"});
}

TEST(Attribution, BatchesDoNotChangeTheResult) {
  HcCnnTn net = small_net(4);
  const ExplainedCase c = random_case(net, 2);
  const Attribution one = integrated_gradients(net, c, {.steps = 9, .most_steps = 9, .batch_size = 1});
  const Attribution many = integrated_gradients(net, c, {.steps = 9, .most_steps = 9, .batch_size = 4});
  double largest = 0;
  for (std::size_t i = 0; i < one.signals.size(); ++i)
    largest = std::max(largest, std::abs(one.signals[i] - many.signals[i]));
  EXPECT_TRUE(largest <= 1e-6) << largest;
}

TEST(Attribution, LeavesTheModelAsItWas) {
  HcCnnTn net = small_net(4);
  net.set_training(true);
  net.parameters().front().tensor->set_requires_grad(false);  // As a layer that is not to learn.
  integrated_gradients(net, random_case(net, 0), {.steps = 2});
  EXPECT_TRUE(net.training());
  bool first = true;
  for (const nn::NamedTensor& parameter : net.parameters()) {
    EXPECT_EQ(parameter.tensor->requires_grad(), !first) << parameter.name;
    first = false;
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
