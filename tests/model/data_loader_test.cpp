#include "model/data_loader.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "model/preprocessing.h"
#include "tests/common/temporary_folder.h"
#include "tests/model/mapped_set.h"
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
  const DataLoader loader(take_arrays(set, features), scaling);
  EXPECT_TRUE(set.signals.empty()) << "the loader takes the signals over";
  const std::vector<std::int64_t> rows = {50, 2, 79, 0, 2};
  const Batch batch = loader.batch(rows, 1, 4);
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
  const DataLoader loader(take_arrays(set, {}), identity_scaling(4));
  EXPECT_FALSE(loader.batch({0, 1}, 0, 2).features.defined());
}

// Scores come in the order of the rows, whatever the size of the batches, and the loss is the mean over all records.
TEST(Score, DoesNotDependOnTheBatchSize) {
  data::Dataset set = tiny_set();
  const FeatureScaling features = fit_feature_scaling(set, {0, 1, 2, 3, 4}, false);
  const SignalScaling scaling = fit_signal_scaling(set, {0, 1, 2, 3});
  const DataLoader loader(take_arrays(set, features), scaling);
  HcCnnTn net(tiny_architecture(features.width()), 1);
  net.set_training(true);
  const std::vector<std::int64_t> rows = {7, 3, 79, 12, 0, 5, 60};
  const Tensor weight = Tensor::from<float>({1, 2, 0.5F}, {3});
  const Scores whole = score(net, loader, rows, 64, weight);
  ASSERT_EQ(whole.logits.size(), 21U);
  EXPECT_FALSE(net.parameters().empty());
  double loss = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Scores one = score(net, loader, {rows[i]}, 1, weight);
    loss += one.loss / static_cast<double>(rows.size());
    for (std::size_t c = 0; c < 3; ++c) {
      EXPECT_NEAR(one.logits[c], whole.logits[i * 3 + c], 1e-5);
      EXPECT_NEAR(whole.probabilities[i * 3 + c], 1 / (1 + std::exp(-static_cast<double>(whole.logits[i * 3 + c]))),
                  1e-6);
    }
  }
  EXPECT_NEAR(whole.loss, loss, 1e-5);
  EXPECT_NEAR(score(net, loader, rows, 3, weight).loss, loss, 1e-5);
  EXPECT_TRUE(std::isnan(score(net, loader, rows, 3, {}).loss)) << "no weights, no loss";
}

TEST(Crops, WindowsAreHalfACropApartAndReachTheEnd) {
  EXPECT_EQ(crop_windows({}, 1000), std::vector<std::int64_t>{0});
  EXPECT_EQ(crop_windows({.samples = 250}, 1000), (std::vector<std::int64_t>{0, 125, 250, 375, 500, 625, 750}));
  EXPECT_EQ(crop_windows({.samples = 5}, 12), (std::vector<std::int64_t>{0, 2, 4, 6, 7}));
  EXPECT_EQ(crop_windows({.samples = 12}, 12), std::vector<std::int64_t>{0});
  EXPECT_EQ(crop_windows({.samples = 250, .step = 250}, 1000), (std::vector<std::int64_t>{0, 250, 500, 750}));
  EXPECT_EQ(crop_windows({.samples = 5, .step = 4}, 12), (std::vector<std::int64_t>{0, 4, 7}));
  EXPECT_EQ(crop_windows({.samples = 1}, 2), (std::vector<std::int64_t>{0, 1}));
}

// Every place but the last, each as often as the others; another in each epoch, of each record and seed.
TEST(Crops, BeginAnywhereButAtTheLastPlace) {
  const Crops crops = {.samples = 28};
  std::vector<int> counts(5);
  int same_epoch = 0, same_seed = 0;
  for (std::int64_t record = 0; record < 1000; ++record) {
    const std::int64_t start = crop_start(crops, 32, 3, 7, record);
    ASSERT_TRUE(start >= 0 && start < 4);
    ++counts[static_cast<std::size_t>(start)];
    same_epoch += start == crop_start(crops, 32, 3, 8, record) ? 1 : 0;
    same_seed += start == crop_start(crops, 32, 4, 7, record) ? 1 : 0;
  }
  for (std::size_t place = 0; place < 4; ++place) EXPECT_NEAR(counts[place], 250, 70);
  EXPECT_NEAR(same_epoch, 250, 70);
  EXPECT_NEAR(same_seed, 250, 70);
  EXPECT_EQ(crop_start(crops, 28, 3, 7, 1), 0);
  EXPECT_EQ(crop_start({}, 1000, 3, 7, 1), 0);
}

TEST(Batches, OfCropsAreParts) {
  data::Dataset whole = tiny_set(), cropped = tiny_set();
  const FeatureScaling features = fit_feature_scaling(whole, {0, 1, 2, 3}, false);
  const SignalScaling scaling = fit_signal_scaling(whole, {0, 1, 2, 3});
  const DataLoader records(take_arrays(whole, features), scaling);
  const DataLoader crops(take_arrays(cropped, features, {.samples = 10}), scaling);
  const std::vector<std::int64_t> rows = {5, 2, 79};
  const std::vector<std::int64_t> starts = {54, 7};
  const Batch all = records.batch(rows, 1, 2);
  const Batch some = crops.batch(rows, 1, 2, starts);
  EXPECT_EQ(some.signals.shape(), (Shape{2, 10, 4}));
  EXPECT_EQ(some.features.values(), all.features.values());
  EXPECT_EQ(some.labels.values(), all.labels.values());
  for (std::int64_t n = 0; n < 2; ++n)
    for (std::int64_t i = 0; i < 10 * 4; ++i)
      EXPECT_EQ(some.signals.data()[n * 40 + i],
                all.signals.data()[n * 256 + starts[static_cast<std::size_t>(n)] * 4 + i]);
  EXPECT_EQ(crops.batch(rows, 1, 1).signals.values(), crops.batch(rows, 1, 1, {27}).signals.values());
  EXPECT_THROW(crops.batch(rows, 0, 1, {55}), Error);
  EXPECT_TRUE(crops.resident());
  EXPECT_THROW(DataLoader(take_arrays(whole = tiny_set(), features, {.samples = 65}), scaling), Error);
}

TEST(Score, OfCropsJoinsTheWindows) {
  data::Dataset set = tiny_set();
  const FeatureScaling features = fit_feature_scaling(set, {0, 1, 2, 3, 4}, false);
  const SignalScaling scaling = fit_signal_scaling(set, {0, 1, 2, 3});
  HcCnnTnConfig architecture = tiny_architecture(features.width());
  architecture.samples = 32;
  HcCnnTn net(architecture, 1);
  const Tensor weight = Tensor::from<float>({1, 2, 0.5F}, {3});
  const std::vector<std::int64_t> rows = {7, 79};
  for (const Aggregate aggregate : {Aggregate::kMax, Aggregate::kMean}) {
    data::Dataset copy = set;
    const DataLoader loader(take_arrays(copy, features, {32, aggregate}), scaling);
    const Scores scored = score(net, loader, rows, 4, weight);
    ASSERT_EQ(scored.probabilities.size(), 6U);
    double loss = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      std::vector<double> largest(3), sum(3);
      for (const std::int64_t start : {0, 16, 32}) {
        const NoGrad no_grad;
        const Batch batch = loader.batch(rows, i, 1, {start});
        const Tensor logits = net.forward(batch.signals, batch.features);
        loss += static_cast<double>(ops::weighted_bce(logits, batch.labels, weight).item()) / 6;
        for (std::size_t c = 0; c < 3; ++c) {
          const double p = 1 / (1 + std::exp(-static_cast<double>(logits.data()[c])));
          largest[c] = std::max(largest[c], p);
          sum[c] += p;
        }
      }
      for (std::size_t c = 0; c < 3; ++c) {
        const double expected = aggregate == Aggregate::kMax ? largest[c] : sum[c] / 3;
        EXPECT_NEAR(scored.probabilities[i * 3 + c], expected, 1e-6);
        EXPECT_NEAR(1 / (1 + std::exp(-static_cast<double>(scored.logits[i * 3 + c]))), expected, 1e-6);
      }
    }
    EXPECT_NEAR(scored.loss, loss, 1e-5);
  }
}

TEST(Batches, OfMappedSignalsAreTheSame) {
  const cardiograd::testing::TemporaryFolder folder;
  const data::Dataset original = tiny_set();
  const data::Dataset mapped = testing::mapped_set(tiny_set(), folder.path(), 33);
  const std::vector<std::int64_t> all_rows = data::rows_of_folds(original, {1, 2, 3, 5});
  const SignalScaling scaling = fit_signal_scaling(mapped, all_rows);
  EXPECT_EQ(scaling.mean, fit_signal_scaling(original, all_rows).mean);
  EXPECT_EQ(scaling.sd, fit_signal_scaling(original, all_rows).sd);
  const FeatureScaling features = fit_feature_scaling(original, {0, 1, 2, 3}, false);
  const std::vector<std::int64_t> rows = {5, 33, 2, 79, 32, 2};
  for (const std::int64_t samples : {0, 32}) {
    data::Dataset a = original, b = mapped;
    const DataLoader in_memory(take_arrays(a, features, {.samples = samples}), scaling);
    const DataLoader loader(take_arrays(b, features, {.samples = samples}), scaling);
    EXPECT_EQ(b.mapped, nullptr) << "the loader takes the signals over";
    EXPECT_FALSE(loader.resident());
    loader.prefetch(rows, 4, 10);
    const std::vector<std::int64_t> starts =
        samples == 0 ? std::vector<std::int64_t>(4) : std::vector<std::int64_t>{1, 0, 32, 3};
    std::vector<Place> places;
    for (std::size_t i = 0; i < 4; ++i)
      places.push_back(
          {.record = rows[1 + i], .start = starts[i], .next = rows[2 + i], .next_start = starts[(i + 1) % 4]});
    const Augmentation some = {.mixup = 0.4, .lead_dropout = 0.2, .amplitude_sd = 0.1, .time_mask = 0.3};
    const BatchPlan plan = plan_batches(some, 3, 5, in_memory.part_samples(), in_memory.leads(), places);
    for (const bool altered : {false, true}) {
      const auto batch_of = [&](const DataLoader& from) {
        return altered ? from.planned_batch(plan) : from.batch(rows, 1, 4, starts);
      };
      const Batch expected = batch_of(in_memory);
      const Batch found = batch_of(loader);
      EXPECT_EQ(found.signals.values(), expected.signals.values());
      EXPECT_EQ(found.features.values(), expected.features.values());
      EXPECT_EQ(found.labels.values(), expected.labels.values());
    }
    EXPECT_EQ(loader.samples(), 64);
    EXPECT_EQ(loader.recording(33), in_memory.recording(33));
    EXPECT_THROW(loader.recording(80), Error);
    HcCnnTnConfig architecture = tiny_architecture(features.width());
    if (samples > 0) architecture.samples = samples;
    HcCnnTn net(architecture, 1);
    EXPECT_EQ(score(net, loader, rows, 4, {}).logits, score(net, in_memory, rows, 4, {}).logits);
  }
  data::Dataset wrong = mapped;
  wrong.samples = 32;
  EXPECT_THROW(DataLoader(take_arrays(wrong, features), scaling), Error);
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
  const DataLoader loader(arrays, identity_scaling(2));
  const Batch batch = loader.batch({1}, 0, 1);
  EXPECT_EQ(batch.signals.values(), (std::vector<float>{14, 80, 18, 0, 22, 120}));
  EXPECT_EQ(batch.features.values(), std::vector<float>{-1});
  EXPECT_EQ(batch.labels.values(), std::vector<float>{0});
  EXPECT_EQ(loader.recording(0), (std::vector<float>{1, 2, 3, 4, 5, 6}));
  arrays.scales.pop_back();
  EXPECT_THROW(DataLoader(arrays, identity_scaling(2)), Error);
}

}  // namespace
}  // namespace cardiograd::model
