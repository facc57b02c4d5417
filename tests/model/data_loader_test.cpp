#include "model/data_loader.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "model/preprocessing.h"
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
  const std::vector<float> expected_features = scaled_features(features, set.feature_names, set.features);
  const DataLoader source(take_arrays(set, features), scaling);
  EXPECT_TRUE(set.signals.empty()) << "the loader takes the signals over";
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
  const DataLoader source(take_arrays(set, {}), identity_scaling(4));
  EXPECT_FALSE(source.batch({0, 1}, 0, 2).features.defined());
}

// Scores come in the order of the rows, whatever the size of the batches, and the loss is the mean over all records.
TEST(Score, DoesNotDependOnTheBatchSize) {
  data::Dataset set = tiny_set();
  const FeatureScaling features = fit_feature_scaling(set, {0, 1, 2, 3, 4}, false);
  const SignalScaling scaling = fit_signal_scaling(set, {0, 1, 2, 3});
  const DataLoader source(take_arrays(set, features), scaling);
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

// Plain arrays are enough: two records of three samples and two leads.
TEST(Batches, OfArraysAlone) {
  RecordArrays arrays;
  arrays.records = 2;
  arrays.samples = 3;
  arrays.leads = 2;
  arrays.classes = 1;
  arrays.feature_width = 1;
  arrays.signals = {1, 2, 3, 4, 5, 6, 7, 8, 9, -32768, 11, 12};
  arrays.scales = {1, 1, 2, 10};
  arrays.features = {0.5F, -1};
  arrays.labels = {1, 0};
  const DataLoader source(arrays, identity_scaling(2));
  const Batch batch = source.batch({1}, 0, 1);
  EXPECT_EQ(batch.signals.values(), (std::vector<float>{14, 80, 18, 0, 22, 120}));
  EXPECT_EQ(batch.features.values(), std::vector<float>{-1});
  EXPECT_EQ(batch.labels.values(), std::vector<float>{0});
  EXPECT_EQ(source.recording(0), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  arrays.scales.pop_back();
  EXPECT_THROW(DataLoader(arrays, identity_scaling(2)), Error);
}

}  // namespace
}  // namespace cardiograd::model
