#include "engine/ops/ops.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"
#include "engine/autograd.h"

namespace cardiograd {
namespace {

Tensor leaf(const std::vector<float>& values, const Shape& shape) {
  Tensor tensor = Tensor::from(values, shape);
  tensor.set_requires_grad(true);
  return tensor;
}

TEST(Ops, BceWithLogitsIsWeightedBceWithWeightsOfOne) {
  const std::vector<float> values = {0.5F, -1, 2, 0, 3, -3};
  const Tensor targets = Tensor::from<float>({0, 1, 1, 0, 1, 1}, {3, 2});
  const Tensor a = leaf(values, {3, 2});
  const Tensor b = leaf(values, {3, 2});
  const Tensor loss = ops::bce_with_logits(a, targets);
  const Tensor weighted = ops::weighted_bce(b, targets, Tensor::full({2}, 1));
  EXPECT_EQ(loss.item(), weighted.item());
  double expected = 0;
  for (int i = 0; i < 6; ++i) {
    const double z = static_cast<double>(a.data()[i]);
    expected += std::log1p(std::exp(targets.data()[i] == 1 ? -z : z)) / 6;
  }
  EXPECT_TRUE(std::abs(static_cast<double>(loss.item()) - expected) <= 1e-6);
  backward(loss);
  backward(weighted);
  EXPECT_EQ(a.grad().values(), b.grad().values());
  EXPECT_THROW(ops::bce_with_logits(leaf({1, 2}, {2}), Tensor::zeros({2})), Error);
}

TEST(Ops, LinearWithReluIsTheCompositionBitForBit) {
  const auto values = [](std::int64_t count, std::uint64_t seed) {
    PhiloxStream stream(seed);
    std::vector<float> numbers(static_cast<std::size_t>(count));
    for (float& number : numbers) number = static_cast<float>(stream.normal());
    return numbers;
  };
  const auto gradients = [&](bool fused) {
    const Tensor x = leaf(values(7 * 19, 1), {7, 19});
    const Tensor w = leaf(values(19 * 33, 2), {19, 33});
    const Tensor b = leaf(values(33, 3), {33});
    const Tensor y = fused ? ops::linear(x, w, b, true) : ops::relu(ops::linear(x, w, b));
    backward(y, Tensor::from(values(7 * 33, 4), {7, 33}));
    return std::vector{y.values(), x.grad().values(), w.grad().values(), b.grad().values()};
  };
  EXPECT_EQ(gradients(true), gradients(false));
}

TEST(Ops, ConcatJoinsTheLastDimensionOfAnyShape) {
  const Tensor a = leaf({1, 2, 3, 4}, {1, 2, 2});
  const Tensor b = leaf({5, 6}, {1, 2, 1});
  const Tensor y = ops::concat(a, b);
  EXPECT_EQ(y.shape(), Shape({1, 2, 3}));
  EXPECT_EQ(y.values(), (std::vector<float>{1, 2, 5, 3, 4, 6}));
  backward(y, Tensor::from<float>({1, 2, 3, 4, 5, 6}, {1, 2, 3}));
  EXPECT_EQ(a.grad().values(), (std::vector<float>{1, 2, 4, 5}));
  EXPECT_EQ(b.grad().values(), (std::vector<float>{3, 6}));
}

TEST(Ops, TheMaximumOverTimeIsTheFirstAndNaNReachesIt) {
  const float nan = std::nanf("");
  const Tensor x = leaf({3, nan, 7, 1, 7, nan}, {1, 3, 2});
  const Tensor y = ops::max_over_time(x);
  EXPECT_EQ(y.data()[0], 7);
  EXPECT_TRUE(std::isnan(y.data()[1]));
  backward(y, Tensor::from<float>({1, 2}, {1, 2}));
  EXPECT_EQ(x.grad().values(), (std::vector<float>{0, 2, 1, 0, 0, 0}));
}

TEST(Ops, TransposeExchangesTimeAndChannels) {
  const Tensor x = leaf({1, 2, 3, 4, 5, 6}, {1, 2, 3});
  const Tensor y = ops::transpose(x);
  EXPECT_EQ(y.shape(), (Shape{1, 3, 2}));
  EXPECT_EQ(y.values(), (std::vector<float>{1, 4, 2, 5, 3, 6}));
  backward(y, Tensor::from<float>({10, 20, 30, 40, 50, 60}, {1, 3, 2}));
  EXPECT_EQ(x.grad().values(), (std::vector<float>{10, 30, 50, 20, 40, 60}));
}

// Whole channels, about as many as the probability says, and the same in both directions.
TEST(Ops, ChannelDropoutDropsAChannelOfARecordThroughout) {
  const kernels::DropoutKey key = {.probability = 0.25F, .seed = 5, .layer = 1, .step = 2};
  const Tensor x = leaf(std::vector<float>(40 * 3 * 50, 1.0F), {40, 3, 50});
  const Tensor y = ops::channel_dropout(x, key);
  backward(y, Tensor::full({40, 3, 50}, 1));
  EXPECT_EQ(x.grad().values(), y.values());
  int dropped = 0;
  for (std::int64_t n = 0; n < 40; ++n)
    for (std::int64_t c = 0; c < 50; ++c) {
      const float first = y.data()[n * 150 + c];
      dropped += first == 0 ? 1 : 0;
      EXPECT_TRUE(first == 0 || first == kernels::dropout_scale(0.25F)) << first;
      for (std::int64_t t = 1; t < 3; ++t) EXPECT_EQ(y.data()[n * 150 + t * 50 + c], first);
    }
  EXPECT_TRUE(std::abs(dropped - 500) <= 80) << dropped;  // 4 SD
}

TEST(Ops, WrongShapesAreErrorsThatNameBoth) {
  const Tensor x = Tensor::zeros({2, 10, 3});
  const auto message = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_NE(message([&] {
              ops::linear(x, Tensor::zeros({4, 5}), Tensor::zeros({5}));
            }).find("(2, 10, 3)"),
            std::string::npos);
  EXPECT_NE(message([&] {
              ops::conv1d(x, Tensor::zeros({3, 4, 5}), Tensor::zeros({5}), {});
            }).find("(3, 4, 5)"),
            std::string::npos);
  EXPECT_NE(message([&] {
              ops::conv1d(x, Tensor::zeros({11, 3, 5}), Tensor::zeros({5}), {});
            }).find("fewer"),
            std::string::npos);
  EXPECT_NE(message([&] { ops::add(x, Tensor::zeros({2})); }).find("(2)"), std::string::npos);
  EXPECT_NE(message([&] { ops::concat(x, Tensor::zeros({2, 9, 3})); }).find("(2, 9, 3)"), std::string::npos);
  EXPECT_NE(message([&] { ops::avg_pool1d(x, {.kernel = 11}); }).find("kernel 11"), std::string::npos);
  EXPECT_NE(message([&] { ops::max_over_time(Tensor::zeros({2, 3})); }).find("(2, 3)"), std::string::npos);
  EXPECT_NE(message([&] {
              ops::gate(x, Tensor::zeros({2, 10}));
            }).find("(2, 10, 3) and the logits have (2, 10)"),
            std::string::npos);
  EXPECT_NE(message([&] { ops::long_conv1d(x, Tensor::zeros({5, 4}), 2); }).find("(5, 4)"), std::string::npos);
  EXPECT_NE(message([&] { ops::long_conv1d(x, Tensor::zeros({5, 3}), 5); }).find("expected 0 to 4"), std::string::npos);
  EXPECT_NE(message([&] {
              ops::basis_taps(Tensor::zeros({4, 2, 3}), Tensor::zeros({2, 3, 3}), Tensor::zeros({3}));
            }).find("(2, 3, 3)"),
            std::string::npos);
  EXPECT_NE(message([&] {
              ops::softmax_pool(Tensor::zeros({2, 3}), x);
            }).find("(2, 3) and x (2, 10, 3)"),
            std::string::npos);
  EXPECT_NE(message([&] { ops::channel_dropout(x, {.probability = 1}); }).find("probability 1"), std::string::npos);
  EXPECT_NE(message([&] { ops::attention(x, 2, {}); }).find("heads"), std::string::npos);
  EXPECT_NE(message([&] { Tensor::from<float>({1, 2}, {3}); }).find("expected 3"), std::string::npos);
  EXPECT_NE(message([&] { parse_device("gpu"); }).find("gpu"), std::string::npos);
}

}  // namespace
}  // namespace cardiograd
