#include "model/permutation_importance.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/philox.h"
#include "evaluation/metrics.h"
#include "model/hc_cnn_tn.h"
#include "model/preprocessing.h"
#include "tests/evaluation/golden_report.h"

namespace cardiograd::model {
namespace {

TEST(PermutationImportance, AgreesWithScikitLearnOverManyShuffles) {
  const nlohmann::json& golden = evaluation::testing::golden_report().at("importance");
  const auto features = golden.at("features").get<std::vector<float>>();
  const auto weights = golden.at("weights").get<std::vector<double>>();
  const auto labels = golden.at("labels").get<std::vector<std::uint8_t>>();
  const FeatureScorer scorer = [&](const std::vector<float>& values) {
    std::vector<float> scores;
    for (std::size_t record = 0; record < labels.size(); ++record) {
      double sum = 0;
      for (std::size_t f = 0; f < 4; ++f) sum += weights[f] * static_cast<double>(values[record * 4 + f]);
      scores.push_back(static_cast<float>(sum));
    }
    return scores;
  };
  const std::vector<FeatureColumns> groups{{"a", {0}}, {"b", {1}}, {"c", {2}}, {"d", {3}}};
  const PermutationImportance result = permutation_importance(features, 4, groups, scorer, labels, 1, {4000, 1});
  ASSERT_EQ(result.features.size(), 4U);
  for (std::size_t f = 0; f < 4; ++f) {
    const double drop = golden["drop"][f].get<double>();
    const double sd = golden["sd"][f].get<double>();
    // Two means of 4,000 draws each: five of their standard errors.
    EXPECT_TRUE(std::abs(result.features[f].drop - drop) <= 5 * sd * std::sqrt(2.0 / 4000) + 1e-12)
        << result.features[f].drop << " " << drop;
    EXPECT_TRUE(std::abs(result.features[f].sd - sd) <= 0.1 * sd + 1e-12) << result.features[f].sd << " " << sd;
  }
  EXPECT_EQ(result.features[3].drop, 0.0);  // its weight is 0
}

TEST(PermutationImportance, ColumnsOfOneFeatureMoveTogether) {
  // The score is the difference of two equal columns: 0 for all records as long as they move together.
  const std::vector<float> features{1, 1, 2, 2, 3, 3, 4, 4, 5, 5};
  const std::vector<std::uint8_t> labels{0, 1, 0, 1, 1};
  bool together = true;
  const FeatureScorer scorer = [&](const std::vector<float>& values) {
    std::vector<float> scores;
    for (std::size_t record = 0; record < 5; ++record) {
      together = together && values[2 * record] == values[2 * record + 1];
      scores.push_back(values[2 * record]);
    }
    return scores;
  };
  permutation_importance(features, 2, {{"pair", {0, 1}}}, scorer, labels, 1, {50, 0});
  EXPECT_TRUE(together);
  permutation_importance(features, 2, {{"one", {0}}}, scorer, labels, 1, {50, 0});
  EXPECT_FALSE(together);
}

TEST(PermutationImportance, OneOutcomeGivesNoFeatures) {
  const FeatureScorer scorer = [](const std::vector<float>& values) { return values; };
  const PermutationImportance result =
      permutation_importance({1, 2, 3}, 1, {{"a", {0}}}, scorer, std::vector<std::uint8_t>{0, 0, 0}, 1);
  EXPECT_TRUE(std::isnan(result.macro_auc));
  EXPECT_TRUE(result.features.empty());
}

TEST(PermutationImportance, Errors) {
  const FeatureScorer scorer = [](const std::vector<float>& values) { return values; };
  const std::vector<std::uint8_t> labels{0, 1, 0};
  EXPECT_THROW(permutation_importance({1, 2}, 1, {{"a", {0}}}, scorer, labels, 1), Error);
  EXPECT_THROW(permutation_importance({1, 2, 3}, 1, {{"a", {1}}}, scorer, labels, 1), Error);
  EXPECT_THROW(permutation_importance({1, 2, 3}, 1, {{"a", {0}}}, scorer, labels, 1, {0, 0}), Error);
  EXPECT_THROW(permutation_importance({1, 2, 3}, 1, {{"a", {0}}}, scorer, labels, 0), Error);
}

// A small set whose two features and signals are noise, with labels of two classes.
data::Dataset noise_set() {
  data::Dataset set;
  set.records = 23;
  set.samples = 40;
  set.leads = 3;
  set.class_names = {"A", "B"};
  set.feature_names = {"age_years", "sex"};
  PhiloxStream random(4);
  for (int i = 0; i < 23 * 40 * 3; ++i) set.signals.push_back(static_cast<std::int16_t>(random.below(2000)));
  set.signals[125] = data::kInvalidInt16;
  set.scales.assign(23 * 3, 0.5F);
  for (int i = 0; i < 23; ++i) {
    set.labels.push_back(static_cast<std::uint8_t>(i % 2));
    set.labels.push_back(static_cast<std::uint8_t>(i % 3 == 0));
    set.features.push_back(i % 5 == 0 ? std::nanf("") : static_cast<float>(random.uniform(20, 90)));
    set.features.push_back(static_cast<float>(random.below(2)));
  }
  return set;
}

HcCnnTnConfig tiny_config(std::int64_t samples) {
  HcCnnTnConfig config{.classes = 2, .features = 4, .leads = 3, .samples = samples};
  config.channels = {8};
  config.kernels = {3};
  config.encoder_layers = 1;
  config.heads = 2;
  config.feed_forward = 8;
  return config;
}

TEST(PermutationImportance, OfAModelStartsFromTheModelsOwnScores) {
  data::Dataset set = noise_set();
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < 23; ++i) rows.push_back(i);
  const FeatureScaling scaling = fit_feature_scaling(set, rows, true);
  HcCnnTn net(tiny_config(40), 1);
  const std::vector<std::uint8_t> labels = labels_of(set, rows);
  const DataLoader loader(take_arrays(set, scaling), identity_scaling(3));
  const Scores scored = score(net, loader, rows, 7, {});
  const PermutationImportance result = permutation_importance(net, loader, scaling, rows, 7, labels, {5, 9});
  EXPECT_NEAR(result.macro_auc, evaluation::macro_auc({scored.probabilities, labels, 23, 2, {}}).value, 1e-12);
  ASSERT_EQ(result.features.size(), 3U);
  EXPECT_EQ(result.features[1].name, "sex");
  EXPECT_EQ(result.features[2].name, kAllFeatures);
  const PermutationImportance again = permutation_importance(net, loader, scaling, rows, 23, labels, {5, 9});
  EXPECT_EQ(again.features[0].drop, result.features[0].drop);
  EXPECT_NE(permutation_importance(net, loader, scaling, rows, 7, labels, {5, 10}).features[0].drop,
            result.features[0].drop);
}

TEST(PermutationImportance, OfAModelThatSeesCropsJoinsTheWindows) {
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 22; i >= 0; --i) rows.push_back(i);
  data::Dataset set = noise_set();
  const FeatureScaling scaling = fit_feature_scaling(set, rows, true);
  HcCnnTn net(tiny_config(16), 1);
  const std::vector<std::uint8_t> labels = labels_of(set, rows);
  for (const Aggregate aggregate : {Aggregate::kMax, Aggregate::kMean}) {
    data::Dataset copy = set;
    const DataLoader loader(take_arrays(copy, scaling, {16, aggregate, 0}), identity_scaling(3));
    const Scores scored = score(net, loader, rows, 7, {});
    const PermutationImportance result = permutation_importance(net, loader, scaling, rows, 7, labels, {5, 9});
    EXPECT_NEAR(result.macro_auc, evaluation::macro_auc({scored.probabilities, labels, 23, 2, {}}).value, 1e-12);
    ASSERT_EQ(result.features.size(), 3U);
    EXPECT_NE(result.features[0].drop, 0);
  }
}

TEST(DataLoader, WholeRecordsAreThoseOfALoaderWithoutCrops) {
  data::Dataset set = noise_set(), same = noise_set();
  const FeatureScaling scaling = fit_feature_scaling(set, {0, 1, 2}, false);
  const DataLoader records(take_arrays(set, scaling), identity_scaling(3));
  const DataLoader crops(take_arrays(same, scaling, {.samples = 16}), identity_scaling(3));
  const Batch expected = records.batch({7}, 0, 1), whole = crops.whole(7);
  EXPECT_EQ(whole.signals.values(), expected.signals.values());
  EXPECT_EQ(whole.features.values(), expected.features.values());
  EXPECT_EQ(whole.labels.values(), expected.labels.values());
  EXPECT_THROW(crops.whole(23), Error);
}

TEST(DataLoader, RecordingIsInTheUnitOfTheSet) {
  data::Dataset set = noise_set();
  const std::vector<std::int16_t> signals = set.signals;
  const DataLoader loader(take_arrays(set, {}), identity_scaling(3));
  const std::vector<float> second = loader.recording(1);
  ASSERT_EQ(second.size(), 120U);
  for (std::size_t i = 0; i < second.size(); ++i) {
    if (i == 5) {
      EXPECT_TRUE(std::isnan(second[i]));
    } else {
      EXPECT_EQ(second[i], static_cast<float>(signals[120 + i]) * 0.5F);
    }
  }
  EXPECT_THROW(loader.recording(23), Error);
  EXPECT_THROW(loader.recording(-1), Error);
}

}  // namespace
}  // namespace cardiograd::model
