#include "model/data_loader.h"

#include <cmath>

#include <gtest/gtest.h>

#include "engine/autograd.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

using testing::tiny_config;
using testing::tiny_set;

HcCnnTnConfig tiny_architecture(std::int64_t features) {
  HcCnnTnConfig c = tiny_config().model.as<HcCnnTnConfig>();
  c.classes = 3;
  c.features = features;
  c.leads = 4;
  c.samples = 64;
  return c;
}

TEST(Batches, StandardizeTheRowsAskedForInTheirOrder) {
  const data::Dataset original = tiny_set();
  data::Dataset set = original;
  const SignalScaling scaling = fit_signal_scaling(set, {0, 1, 2, 3});
  const FeatureScaling features = fit_feature_scaling(set, {0, 1, 2, 3}, true);
  const std::vector<float> expected_features = scaled_features(features, set);
  const DataLoader source(set, scaling, features);
  EXPECT_TRUE(set.signals.empty()) << "the source takes the signals over";
  const std::vector<std::int64_t> rows = {50, 2, 79, 0, 2};
  const Batch batch = source.batch(rows, 1, 4);
  EXPECT_EQ(batch.signals.shape(), (Shape{4, 64, 4}));
  EXPECT_EQ(batch.features.shape(), (Shape{4, 4}));
  EXPECT_EQ(batch.labels.shape(), (Shape{4, 3}));
  std::size_t invalid = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto row = static_cast<std::size_t>(rows[1 + i]);
    for (std::size_t c = 0; c < 3; ++c)
      EXPECT_EQ(batch.labels.data()[i * 3 + c], static_cast<float>(original.labels[row * 3 + c]));
    for (std::size_t f = 0; f < 4; ++f) EXPECT_EQ(batch.features.data()[i * 4 + f], expected_features[row * 4 + f]);
    for (std::size_t t = 0; t < 64; ++t)
      for (std::size_t lead = 0; lead < 4; ++lead) {
        const std::int16_t stored = original.signals[(row * 64 + t) * 4 + lead];
        const float got = batch.signals.data()[(i * 64 + t) * 4 + lead];
        if (stored == data::kInvalidInt16) {
          EXPECT_EQ(got, 0.F) << "an invalid sample is the lead's mean";
          ++invalid;
          continue;
        }
        const double value = stored * static_cast<double>(original.scales[row * 4 + lead]);
        EXPECT_NEAR(got, (value - scaling.mean[lead]) / scaling.sd[lead], 1e-4);
      }
  }
  EXPECT_EQ(invalid, 2U) << "record 2 came twice";
}

TEST(Batches, WithoutFeaturesThereIsNoTensor) {
  data::Dataset set = tiny_set();
  const DataLoader source(set, identity_scaling(4), {});
  EXPECT_FALSE(source.batch({0, 1}, 0, 2).features.defined());
}

// Scores come in the order of the rows, whatever the size of the batches, and the loss is the mean over all records.
TEST(Score, DoesNotDependOnTheBatchSize) {
  data::Dataset set = tiny_set();
  const FeatureScaling features = fit_feature_scaling(set, {0, 1, 2, 3, 4}, false);
  const DataLoader source(set, fit_signal_scaling(set, {0, 1, 2, 3}), features);
  HcCnnTn net(tiny_architecture(features.width()), 1);
  net.set_training(true);
  const std::vector<std::int64_t> rows = {7, 3, 79, 12, 0, 5, 60};
  const Tensor weight = Tensor::from<float>({1, 2, 0.5F}, {3});
  const Scores whole = score(net, source, rows, 64, weight);
  ASSERT_EQ(whole.logits.size(), 21U);
  EXPECT_FALSE(net.parameters().empty());
  double loss = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Scores one = score(net, source, {rows[i]}, 1, weight);
    loss += one.loss / static_cast<double>(rows.size());
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(one.logits[c], whole.logits[i * 3 + c], 1e-5);
      EXPECT_NEAR(whole.probabilities[i * 3 + c], 1 / (1 + std::exp(-static_cast<double>(whole.logits[i * 3 + c]))),
                  1e-6);
    }
  }
  EXPECT_NEAR(whole.loss, loss, 1e-5);
  EXPECT_NEAR(score(net, source, rows, 3, weight).loss, loss, 1e-5);
  EXPECT_TRUE(std::isnan(score(net, source, rows, 3, {}).loss)) << "no weights, no loss";
}

TEST(Rows, OfFoldsAndTheirLabels) {
  const data::Dataset set = tiny_set();
  EXPECT_EQ(rows_of_folds(set, {3, 99}), (std::vector<std::int64_t>{2, 12, 22, 32, 42, 52, 62, 72}));
  EXPECT_TRUE(rows_of_folds(set, {}).empty());
  std::vector<std::uint8_t> expected(set.labels.begin() + 3 * 79, set.labels.end());
  expected.insert(expected.end(), set.labels.begin(), set.labels.begin() + 3);
  EXPECT_EQ(labels_of(set, {79, 0}), expected);
}

}  // namespace
}  // namespace cardiograd::model
