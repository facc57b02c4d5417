#include "model/preprocessing.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/hc_cnn_tn.h"
#include "tests/apps/tiny_ptbxl.h"
#include "tests/data/helpers.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::kTinyCodes;
using cardiograd::testing::TinyPtbxl;
using data::testing::expect_error;
using testing::tiny_set;

data::Dataset prepare_anew(const DataConfig& config) {
  PrepareOptions options;
  options.use_cache = false;
  return prepare_data(config, options);
}

DataConfig config_for(const TinyPtbxl& tiny) {
  DataConfig config;
  config.folder = tiny.folder();
  config.features = FeatureSet::kNone;
  config.filter = Filter::kNone;
  return config;
}

TEST(PrepareData, TasksAndFeatureSets) {
  const TinyPtbxl tiny;
  DataConfig config = config_for(tiny);
  data::Dataset set = prepare_anew(config);
  EXPECT_EQ(set.records, TinyPtbxl::kRecords);
  EXPECT_EQ(set.class_names, (std::vector<std::string>{"CD", "HYP", "MI", "NORM", "STTC"}));
  EXPECT_TRUE(set.feature_names.empty());
  EXPECT_EQ(set.unit, "mV");
  config.task = data::Task::kSub;
  config.features = FeatureSet::kDemographics;
  set = prepare_anew(config);
  ASSERT_EQ(set.class_names.size(), 23U);
  EXPECT_EQ(set.feature_names, (std::vector<std::string>{"age_years", "sex"}));
  EXPECT_EQ(set.features[0], 31.F);
  EXPECT_EQ(set.features[1], 1.F);
  EXPECT_TRUE(std::isnan(set.features[2 * 6])) << "record 7 has no age";
  for (std::size_t c = 0; c < 23; ++c) {
    bool expected = false;
    for (const std::size_t code : TinyPtbxl::codes(5)) expected |= set.class_names[c] == kTinyCodes[code].subclass;
    EXPECT_EQ(set.labels[4 * 23 + c], expected ? 1 : 0) << set.class_names[c];
  }
  config.features = FeatureSet::kAll;
  set = prepare_anew(config);
  EXPECT_GE(set.feature_names.size(), 11U);
  // Record 1 has 65 beats a minute.
  const auto mean = std::find(set.feature_names.begin(), set.feature_names.end(), "hr_mean_bpm");
  ASSERT_NE(mean, set.feature_names.end());
  EXPECT_NEAR(set.features[static_cast<std::size_t>(mean - set.feature_names.begin())], 65, 1);
  config.features = FeatureSet::kEntropies;
  set = prepare_anew(config);
  ASSERT_EQ(set.feature_names.size(), 108U);
  EXPECT_EQ(set.feature_names[0], "shannon_entropy_I");
  EXPECT_EQ(set.feature_names[107], "svd_entropy_V6");
  ASSERT_EQ(set.features.size(), 108U * TinyPtbxl::kRecords);
  EXPECT_TRUE(set.features[0] > 0 && set.features[0] < std::log(16.0F)) << set.features[0];
}

// The filters change what they should: mean and deviation of a lead, in physical units.
TEST(PrepareData, FilterAndNormalization) {
  const TinyPtbxl tiny;
  DataConfig config = config_for(tiny);
  const data::Dataset raw = prepare_anew(config);
  config.filter = Filter::kButterworth;
  const data::Dataset filtered = prepare_anew(config);
  EXPECT_NE(filtered.filter, "none");
  EXPECT_NE(filtered.filter.find("0.5-45 Hz"), std::string::npos) << filtered.filter;
  config.normalize = data::Normalize::kZscore;
  const data::Dataset normalized = prepare_anew(config);
  EXPECT_EQ(normalized.unit, "z");
  EXPECT_NE(normalized.filter.find("0.5-40 Hz"), std::string::npos) << normalized.filter;
  const SignalScaling before = fit_signal_scaling(raw, {8});
  const SignalScaling after = fit_signal_scaling(filtered, {8});
  const SignalScaling z = fit_signal_scaling(normalized, {8});
  for (std::size_t lead = 0; lead < 12; ++lead) {
    EXPECT_TRUE(before.mean[lead] > 0.02) << "beats are positive";
    EXPECT_TRUE(std::abs(after.mean[lead]) < 0.2 * before.mean[lead])
        << after.mean[lead] << " of " << before.mean[lead];
    EXPECT_NEAR(after.sd[lead], before.sd[lead], 0.1 * before.sd[lead]) << "beats and sines pass";
    EXPECT_NEAR(z.mean[lead], 0, 1e-4);
    EXPECT_NEAR(z.sd[lead], 1, 1e-3);
  }
}

TEST(PrepareData, RefusesWhatItDoesNotKnow) {
  const TinyPtbxl tiny;
  DataConfig config = config_for(tiny);
  config.rate = 500;
  expect_error([&] { prepare_anew(config); }, {"ptbxl_database.csv", "filename_hr", "500 Hz"});
}

ModelDescription model_of(const data::Dataset& set) {
  ModelDescription model;
  model.unit = set.unit;
  model.rate = set.rate;
  model.architecture = HcCnnTnConfig{.samples = set.samples};
  model.lead_names = set.lead_names;
  model.class_names = set.class_names;
  return model;
}

TEST(CheckFits, SaysWhatDiffersAndWhatToDo) {
  const data::Dataset set = tiny_set();
  const ModelDescription good = model_of(set);
  EXPECT_NO_THROW(check_fits(good, set));
  const auto hint_of = [&](const ModelDescription& model, std::initializer_list<std::string_view> parts) {
    expect_error([&] { check_fits(model, set); }, parts);
    try {
      check_fits(model, set);
    } catch (const Error& error) {
      return error.hint();
    }
    return std::string();
  };
  ModelDescription model = good;
  model.unit = "z";
  EXPECT_NE(hint_of(model, {"'mV'", "'z'"}).find("--normalize zscore"), std::string::npos);
  model.unit = "uV";
  EXPECT_EQ(hint_of(model, {"'mV'", "'uV'"}).find("Add --normalize"), std::string::npos);
  model = good;
  model.rate = 500;
  hint_of(model, {"64 samples at 100 Hz", "64 at 500 Hz"});
  model = good;
  model.architecture = HcCnnTnConfig{.samples = 1000};
  hint_of(model, {"64 samples at 100 Hz", "1000 at 100 Hz"});
  model = good;
  model.lead_names[3] = "aVL";
  hint_of(model, {"I II III aVR", "I II III aVL"});
  model = good;
  model.class_names = {"A", "C", "B"};
  EXPECT_NE(hint_of(model, {"A B C", "A C B"}).find("scp_statements.csv"), std::string::npos);
}

}  // namespace
}  // namespace cardiograd::model
