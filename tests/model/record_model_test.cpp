#include "model/record_model.h"

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"
#include "engine/autograd.h"
#include "model/data_loader.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kCrop = 24, kRecord = 67, kLeads = 3, kFeatures = 2;

HcCnnTn small_net(std::int64_t features = kFeatures) {
  return {{.classes = 3,
           .features = features,
           .leads = kLeads,
           .samples = kCrop,
           .channels = {6, 8},
           .kernels = {5, 3},
           .encoder_layers = 1,
           .heads = 2,
           .feed_forward = 12,
           .feature_width = 6,
           .head_width = 10},
          9};
}

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  PhiloxStream random(seed);
  Tensor x = Tensor::empty(shape);
  for (std::int64_t i = 0; i < x.count(); ++i) x.data()[i] = static_cast<float>(random.normal());
  return x;
}

// The logits of record `n`, window by window through the model of the crops.
std::vector<double> by_hand(HcCnnTn& net, const Crops& crops, const Tensor& x, const Tensor& f, std::int64_t n) {
  const NoGrad no_grad;
  std::vector<std::vector<double>> windows;
  for (const std::int64_t start : crop_windows(crops, kRecord)) {
    Tensor part = Tensor::empty({1, kCrop, kLeads}), features = Tensor::empty({1, kFeatures});
    std::copy_n(x.data() + (n * kRecord + start) * kLeads, part.count(), part.data());
    std::copy_n(f.data() + n * kFeatures, kFeatures, features.data());
    const std::vector<float> logits = net.forward(part, features).values();
    windows.emplace_back(logits.begin(), logits.end());
  }
  std::vector<double> joined;
  for (std::size_t c = 0; c < 3; ++c) {
    double sum = 0, largest = 0;
    for (const std::vector<double>& logits : windows) {
      const double p = 1 / (1 + std::exp(-logits[c]));
      sum += p / static_cast<double>(windows.size());
      largest = std::max(largest, p);
    }
    const double p = crops.aggregate == Aggregate::kMax ? largest : sum;
    joined.push_back(std::log(p / (1 - p)));
  }
  return joined;
}

TEST(RecordModel, JoinsTheAnswersToTheWindows) {
  HcCnnTn net = small_net();
  const Tensor x = random_tensor({2, kRecord, kLeads}, 1), f = random_tensor({2, kFeatures}, 2);
  for (const Crops& crops : {Crops{kCrop, Aggregate::kMax, 0}, Crops{kCrop, Aggregate::kMean, 10}}) {
    RecordModel records(net, crops, kRecord);
    EXPECT_EQ(records.shape().samples, kRecord);
    const Tensor logits = records.forward(x, f);
    ASSERT_EQ(logits.shape(), (Shape{2, 3}));
    for (std::int64_t n = 0; n < 2; ++n) {
      const std::vector<double> expected = by_hand(net, crops, x, f, n);
      for (std::size_t c = 0; c < 3; ++c)
        EXPECT_TRUE(std::abs(static_cast<double>(logits.values()[static_cast<std::size_t>(n) * 3 + c]) - expected[c]) <=
                    1e-5);
    }
  }
}

// The gradient of a random combination of the logits, against differences of the answers made by hand.
TEST(RecordModel, GradientsReachSignalsAndFeatures) {
  HcCnnTn net = small_net();
  const Tensor cotangent = random_tensor({2, 3}, 3);
  for (const Aggregate aggregate : {Aggregate::kMax, Aggregate::kMean}) {
    const Crops crops = {kCrop, aggregate, 0};
    RecordModel records(net, crops, kRecord);
    Tensor x = random_tensor({2, kRecord, kLeads}, 4), f = random_tensor({2, kFeatures}, 5);
    const auto value = [&] {
      double sum = 0;
      for (std::int64_t n = 0; n < 2; ++n) {
        const std::vector<double> logits = by_hand(net, crops, x, f, n);
        for (std::int64_t c = 0; c < 3; ++c)
          sum += logits[static_cast<std::size_t>(c)] * static_cast<double>(cotangent.data()[n * 3 + c]);
      }
      return sum;
    };
    x.set_requires_grad(true);
    f.set_requires_grad(true);
    backward(records.forward(x, f), cotangent);
    const auto expect_slope = [&](Tensor& input, std::int64_t i) {
      constexpr float kStep = 2e-3F;
      const float before = input.data()[i];
      input.data()[i] = before + kStep;
      const double above = value();
      input.data()[i] = before - kStep;
      const double below = value();
      input.data()[i] = before;
      const double slope = (above - below) / (2 * static_cast<double>(kStep));
      EXPECT_TRUE(std::abs(static_cast<double>(input.grad().data()[i]) - slope) <= 2e-3 + 0.02 * std::abs(slope))
          << "input " << i << ": " << input.grad().data()[i] << ", differences " << slope;
    };
    for (std::int64_t i = 0; i < x.count(); i += 7) expect_slope(x, i);
    for (std::int64_t i = 0; i < f.count(); ++i) expect_slope(f, i);
  }
}

TEST(RecordModel, WeightsHaveNoGradientsMeanwhile) {
  HcCnnTn net = small_net();
  net.set_training(true);
  {
    RecordModel records(net, {kCrop, Aggregate::kMean, 0}, kRecord);
    EXPECT_FALSE(net.training());
    Tensor x = random_tensor({1, kRecord, kLeads}, 4);
    x.set_requires_grad(true);
    const Tensor logits = records.forward(x, random_tensor({1, kFeatures}, 5));
    backward(logits, random_tensor({1, 3}, 6));
    for (const nn::NamedTensor& parameter : net.parameters()) EXPECT_FALSE(parameter.tensor->requires_grad());
  }
  EXPECT_TRUE(net.training());
  for (const nn::NamedTensor& parameter : net.parameters()) {
    EXPECT_TRUE(parameter.tensor->requires_grad());
    EXPECT_FALSE(parameter.tensor->grad().defined()) << parameter.name;
  }
}

TEST(RecordModel, OneWindowIsTheModelItself) {
  HcCnnTn net = small_net(0);
  const Tensor x = random_tensor({2, kCrop, kLeads}, 1);
  net.set_training(false);
  const std::vector<float> alone = net.forward(x, {}).values();
  for (const Aggregate aggregate : {Aggregate::kMax, Aggregate::kMean}) {
    RecordModel records(net, {kCrop, aggregate, 0}, kCrop);
    const std::vector<float> joined = records.forward(x, {}).values();
    for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_TRUE(std::abs(joined[i] - alone[i]) <= 1e-6F);
  }
}

TEST(RecordModel, RefusesWhatDoesNotFit) {
  HcCnnTn net = small_net(0);
  EXPECT_THROW(RecordModel(net, {kCrop + 1, Aggregate::kMax, 0}, kRecord), Error);
  EXPECT_THROW(RecordModel(net, {kCrop, Aggregate::kMax, 0}, kCrop - 1), Error);
  RecordModel records(net, {kCrop, Aggregate::kMax, 0}, kRecord);
  EXPECT_THROW(records.forward(random_tensor({1, kRecord - 1, kLeads}, 1), {}), Error);
  EXPECT_THROW(records.forward(random_tensor({kRecord, kLeads}, 1), {}), Error);
}

TEST(JoinedLogit, KeepsProbabilitiesNearZeroAndOneApart) {
  for (const double size : {60.0, -60.0}) {
    const std::vector<double> logits = {size, size + 1, size + 2};
    const double mean = std::log((std::exp(0.0) + std::exp(1.0) + std::exp(2.0)) / 3);
    const double other = std::log(3 / (std::exp(0.0) + std::exp(-1.0) + std::exp(-2.0)));
    const JoinedLogit joined = joined_logit(logits, Aggregate::kMean);
    EXPECT_TRUE(std::abs(joined.logit - (size + (size < 0 ? mean : other))) <= 1e-9);
    double slopes = 0;
    for (const double slope : joined.slopes) slopes += slope;
    EXPECT_TRUE(std::abs(slopes - 1) <= 1e-9);
    EXPECT_EQ(joined_logit(logits, Aggregate::kMax).logit, size + 2);
    EXPECT_EQ(joined_logit(logits, Aggregate::kMax).slopes, (std::vector<double>{0, 0, 1}));
  }
}

}  // namespace
}  // namespace cardiograd::model
