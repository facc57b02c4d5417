#include "model/predictor.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/philox.h"
#include "data/ptbxl.h"
#include "data/resample_recording.h"
#include "ecg/leads.h"
#include "model/data_loader.h"
#include "model/hc_cnn_tn.h"
#include "model/preprocessing.h"
#include "model/scaling.h"
#include "tests/apps/tiny_ptbxl.h"
#include "tests/common/test_data.h"
#include "tests/data/helpers.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::TinyPtbxl;

data::Dataset prepare_anew(const DataConfig& config) {
  PrepareOptions options;
  options.use_cache = false;
  return prepare_data(config, options);
}

// A small untrained model that fits `set`.
TrainedModel model_for(const DataConfig& config, const data::Dataset& set) {
  TrainedModel model;
  ModelDescription& d = model.description;
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < set.records; ++i) rows.push_back(i);
  d.signal_scaling = fit_signal_scaling(set, rows);
  if (!set.feature_names.empty()) d.feature_scaling = fit_feature_scaling(set, rows, true);
  d.architecture = HcCnnTnConfig{.classes = static_cast<std::int64_t>(set.class_names.size()),
                                 .features = d.feature_scaling.width(),
                                 .samples = set.samples,
                                 .channels = {4, 8, 8},
                                 .encoder_layers = 1,
                                 .heads = 2,
                                 .feed_forward = 16};
  d.task = config.task;
  d.class_names = set.class_names;
  d.thresholds.assign(set.class_names.size(), 0.5F);
  d.lead_names = set.lead_names;
  d.rate = set.rate;
  d.unit = set.unit;
  d.filter = config.filter;
  d.normalize = config.normalize;
  d.unlabeled = config.unlabeled;
  d.feature_set = config.features;
  model.net = d.architecture.build(3);
  return model;
}

// What evaluate computes of every record, against predict of its file alone.
void expect_same_as_evaluate(const DataConfig& training, const DataConfig& judged, std::int64_t crop = 0) {
  data::Dataset trained_on = prepare_anew(training);
  data::Dataset set = prepare_anew(judged);
  TrainedModel model = model_for(training, trained_on);
  if (crop > 0) {
    model.description.cropped_from = set.samples;
    DataShape shape = model.description.architecture.shape();
    shape.samples = crop;
    model.description.architecture.set_shape(shape);
    model.net = model.description.architecture.build(3);
  }
  check_fits(model.description, set);
  const ModelDescription description = model.description;
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < set.records; ++i) rows.push_back(i);
  const DataLoader source(take_arrays(set, description.feature_scaling, description.crops()),
                          description.signal_scaling);
  const Scores scored = score(*model.net, source, rows, 64, {});
  Predictor predictor(std::move(model), {.any_quality = true});
  const data::PtbxlDatabase database =
      data::read_ptbxl_database(std::filesystem::path(judged.folder) / "ptbxl_database.csv");
  const std::size_t classes = description.class_names.size();
  for (std::size_t i = 0; i < set.ecg_ids.size(); ++i) {
    const auto row = std::find_if(database.rows.begin(), database.rows.end(),
                                  [&](const data::PtbxlRow& r) { return r.ecg_id == set.ecg_ids[i]; });
    auto recording = data::read_recording(std::filesystem::path(judged.folder) /
                                          (judged.rate == 100 ? row->filename_lr : row->filename_hr));
    recording.person = row->person;
    const Prediction prediction = predictor.predict(recording);
    ASSERT_EQ(prediction.refusal, "") << row->ecg_id;
    ASSERT_EQ(prediction.windows, 1);
    for (std::size_t c = 0; c < classes; ++c)
      EXPECT_EQ(prediction.probabilities[c], scored.probabilities[i * classes + c]) << row->ecg_id << " class " << c;
  }
}

DataConfig tiny_config(const TinyPtbxl& tiny, const std::string& features, const std::string& filter,
                       const std::string& normalize = "none") {
  DataConfig config;
  config.folder = tiny.folder();
  config.features = parse_word<FeatureSet>("features", features);
  config.filter = parse_word<Filter>("filter", filter);
  config.normalize = parse_word<data::Normalize>("normalize", normalize);
  return config;
}

TEST(Predictor, IsExactlyWhatEvaluateComputes) {
  const TinyPtbxl tiny;
  for (const auto& [features, filter] : {std::pair("none", "none"), std::pair("demographics", "butterworth"),
                                         std::pair("all", "none"), std::pair("all", "butterworth")}) {
    SCOPED_TRACE(fmt::format("features {}, filter {}", features, filter));
    const DataConfig config = tiny_config(tiny, features, filter);
    expect_same_as_evaluate(config, config);
  }
  const DataConfig config = tiny_config(tiny, "demographics", "none");
  expect_same_as_evaluate(config, config, 250);
}

TEST(Predictor, IsExactlyWhatEvaluateComputesOfStandardizedSignals) {
  const TinyPtbxl millivolts("mV"), standardized("z");
  const DataConfig both = tiny_config(millivolts, "all", "none", "zscore");
  expect_same_as_evaluate(both, both);
  const DataConfig as_is = tiny_config(standardized, "demographics", "none");
  expect_same_as_evaluate(as_is, as_is);
  expect_same_as_evaluate(as_is, tiny_config(millivolts, "demographics", "none", "zscore"));
  const DataConfig filtered = tiny_config(standardized, "demographics", "butterworth");
  expect_same_as_evaluate(filtered, filtered);
}

TEST(Predictor, IsExactlyWhatEvaluateComputesOfPtbXl) {
  CARDIOGRAD_NEED_DATA("ptbxl_raw");
  DataConfig config;
  config.folder = (cardiograd::testing::data_folder() / "ptbxl_raw").string();
  config.features = FeatureSet::kAll;
  expect_same_as_evaluate(config, config);
}

// A heart at 75 beats a minute, seen by I, II and V1-V6, the other limb leads in accord; a little noise.
ecg::Recording heart(double rate, double seconds) {
  const auto samples = static_cast<Eigen::Index>(std::llround(rate * seconds));
  ecg::Recording recording{"heart", rate, {}, {}, Eigen::ArrayXXd(samples, 12), {}};
  PhiloxStream random(9);
  const double heights[] = {0.7, 1.1, 0, 0, 0, 0, -0.6, -0.4, 0.8, 1.5, 1.3, 0.9};
  const auto wave = [](double t, double center, double width) {
    return std::exp(-0.5 * std::pow((t - center) / width, 2));
  };
  for (std::size_t lead = 0; lead < 12; ++lead) {
    recording.leads.emplace_back(ecg::kStandardLeads[lead]);
    recording.units.emplace_back("mV");
    for (Eigen::Index i = 0; i < samples; ++i) {
      const double t = std::fmod(static_cast<double>(i) / rate, 0.8);
      recording.signal(i, static_cast<Eigen::Index>(lead)) =
          heights[lead] * (wave(t, 0.3, 0.012) + 0.25 * wave(t, 0.55, 0.04) + 0.12 * wave(t, 0.15, 0.02)) +
          0.004 * random.normal();
    }
  }
  auto& s = recording.signal;
  s.col(2) = s.col(1) - s.col(0);
  s.col(3) = -(s.col(0) + s.col(1)) / 2;
  s.col(4) = s.col(0) - s.col(1) / 2;
  s.col(5) = s.col(1) - s.col(0) / 2;
  return recording;
}

class PredictorTest : public ::testing::Test {
 protected:
  Predictor predictor(const std::string& unit = "mV", const PredictorOptions& options = {}) const {
    const TinyPtbxl tiny(unit);
    const DataConfig config = tiny_config(tiny, "demographics", unit == "z" ? "none" : "butterworth");
    return Predictor(model_for(config, prepare_anew(config)), options);
  }
  static Prediction of(Predictor& predictor, ecg::Recording recording) {
    return predictor.predict({std::move(recording), std::nullopt, {50, 1}});
  }
  static void expect_close(const Prediction& a, const Prediction& b, float tolerance) {
    ASSERT_EQ(a.refusal, "");
    ASSERT_EQ(b.refusal, "");
    for (std::size_t c = 0; c < a.probabilities.size(); ++c)
      EXPECT_TRUE(std::abs(a.probabilities[c] - b.probabilities[c]) <= tolerance)
          << c << ": " << a.probabilities[c] << " " << b.probabilities[c];
  }
  static bool has_note(const Prediction& prediction, const std::string& part) {
    return std::any_of(prediction.notes.begin(), prediction.notes.end(),
                       [&](const std::string& note) { return note.find(part) != std::string::npos; });
  }
};

TEST_F(PredictorTest, LeadOrderNamesUnitsAndDerivationMakeNoDifference) {
  Predictor p = predictor();
  const ecg::Recording all = heart(100, 10);
  const Prediction expected = of(p, all);
  ecg::Recording some{"some", 100, {}, {}, Eigen::ArrayXXd(1000, 9), {}};
  const int order[] = {11, 5, 10, 9, 4, 8, 7, 6};
  for (Eigen::Index i = 0; i < 8; ++i) {
    const auto lead = static_cast<std::size_t>(order[i]);
    some.leads.push_back("ECG " + all.leads[lead]);
    some.units.emplace_back("uV");
    some.signal.col(i) = 1000 * all.signal.col(order[i]);
  }
  some.leads.emplace_back("RESP");
  some.units.emplace_back("l");
  some.signal.col(8).setZero();
  const Prediction actual = of(p, some);
  expect_close(actual, expected, 1e-5F);
  EXPECT_TRUE(has_note(actual, "I = "));
  EXPECT_EQ(
      std::count_if(actual.leads.begin(), actual.leads.end(), [](const auto& lead) { return !lead.formula.empty(); }),
      4);
}

TEST_F(PredictorTest, OtherRatesGiveNearlyTheSame) {
  Predictor p = predictor();
  const Prediction expected = of(p, heart(100, 10));
  for (const double rate : {250.0, 257.0, 360.0, 500.0, 1000.0}) {
    ecg::Recording other = data::at_rate(heart(100, 10), rate);
    const Prediction actual = of(p, other);
    expect_close(actual, expected, 0.02F);
    EXPECT_TRUE(has_note(actual, fmt::format("resampled from {:g} to 100 Hz", rate)));
  }
}

TEST_F(PredictorTest, LongRecordsAreTheMeanOfWindows) {
  Predictor p = predictor();
  const ecg::Recording all = heart(100, 24);
  const Prediction whole = of(p, all);
  EXPECT_EQ(whole.windows, 3);
  EXPECT_TRUE(has_note(whole, "mean over windows of 10 s"));
  std::vector<double> mean(whole.probabilities.size(), 0);
  for (const Eigen::Index start : {0, 700, 1400}) {
    ecg::Recording part = all;
    part.signal = all.signal.middleRows(start, 1000);
    const Prediction one = of(p, part);
    for (std::size_t c = 0; c < mean.size(); ++c) mean[c] += static_cast<double>(one.probabilities[c]) / 3;
  }
  for (std::size_t c = 0; c < mean.size(); ++c)
    EXPECT_TRUE(std::abs(static_cast<double>(whole.probabilities[c]) - mean[c]) <= 1e-6) << c;
}

TEST_F(PredictorTest, WindowsWithAnUnusableLeadAreLeftOut) {
  Predictor p = predictor();
  ecg::Recording all = heart(100, 30);
  all.signal.block(1000, 7, 1000, 1).setConstant(0.3);
  const Prediction prediction = of(p, all);
  EXPECT_EQ(prediction.refusal, "");
  EXPECT_EQ(prediction.windows, 2);
  EXPECT_EQ(prediction.windows_left_out, 1);
  EXPECT_TRUE(has_note(prediction, "1 of 3 windows left out"));
}

TEST_F(PredictorTest, ShortRecordsAreRepeated) {
  Predictor p = predictor();
  const ecg::Recording half = heart(100, 5);
  const Prediction prediction = of(p, half);
  EXPECT_TRUE(has_note(prediction, "5 s are repeated to fill 10 s"));
  ecg::Recording twice = half;
  twice.signal.resize(1000, 12);
  twice.signal << half.signal, half.signal;
  expect_close(prediction, of(p, twice), 1e-6F);
  EXPECT_EQ(of(p, heart(100, 3)).refusal, "");
  EXPECT_EQ(of(p, heart(100, 2.9)).refusal, "too short: 2.9 s, at least 3 s are needed");
}

TEST_F(PredictorTest, UnfitRecordsAreRefusedWithTheReason) {
  Predictor p = predictor();
  const auto expect = [&](const ecg::Recording& recording, const std::string& part) {
    const Prediction prediction = of(p, recording);
    EXPECT_NE(prediction.refusal.find(part), std::string::npos) << part << ": " << prediction.refusal;
    EXPECT_TRUE(prediction.probabilities.empty());
    EXPECT_EQ(prediction.leads.size(), 12U);
  };
  const ecg::Recording good = heart(500, 10);
  ecg::Recording bad = good;
  bad.signal.col(8).setConstant(0.1);
  expect(bad, "V3: flat");
  bad = good;
  bad.leads[8] = "V9";
  expect(bad, "lead V3 missing and not derivable");
  bad = good;
  bad.signal.block(100, 6, 600, 1).setConstant(std::nan(""));
  expect(bad, "V1: 12 % of the samples are missing");
  bad = good;
  bad.signal.setConstant(std::nan(""));
  expect(bad, "I: 100 % of the samples are missing");
  bad = good;
  bad.signal.col(9) = bad.signal.col(9).min(0.3);
  expect(bad, "V4: saturated");
  bad = good;
  PhiloxStream random(4);
  for (Eigen::Index i = 0; i < bad.signal.rows(); ++i) bad.signal(i, 10) = 0.5 * random.normal();
  expect(bad, "V5: noise");
  for (Eigen::Index lead = 0; lead < 12; ++lead)
    for (Eigen::Index i = 0; i < bad.signal.rows(); ++i)
      bad.signal(i, lead) = std::sin(2 * std::numbers::pi * 0.3 * static_cast<double>(i) / 500);
  expect(bad, "no heartbeats");
  bad = good;
  bad.signal *= 1000;
  expect(bad, "another unit than mV");
  bad.signal *= 1e-6;
  expect(bad, "another unit than mV");
  bad = good;
  for (std::string& unit : bad.units) unit = "z";
  expect(bad, "standardized");
  for (std::string& unit : bad.units) unit = "mmHg";
  expect(bad, "the signals are in 'mmHg'");
  bad = heart(80, 10);
  expect(bad, "sampled at 80 Hz, at least 90 Hz");
  bad = good;
  bad.rate = 50000;
  expect(bad, "too short");
  bad.signal.resize(0, 12);
  expect(bad, "too short: 0 s");
}

TEST_F(PredictorTest, AnyQualityAnswersAndSaysSo) {
  Predictor p = predictor("mV", {.any_quality = true});
  ecg::Recording bad = heart(500, 10);
  bad.signal.col(8).setConstant(0.1);
  const Prediction prediction = of(p, bad);
  EXPECT_EQ(prediction.refusal, "");
  EXPECT_TRUE(has_note(prediction, "answered in spite of V3: flat"));
  bad.leads[8] = "V9";
  EXPECT_NE(of(p, bad).refusal, "");
}

TEST_F(PredictorTest, AModelOfStandardizedSignalsGetsThem) {
  Predictor p = predictor("z");
  const Prediction prediction = of(p, heart(500, 10));
  EXPECT_EQ(prediction.refusal, "");
  EXPECT_TRUE(has_note(prediction, "standardized"));
  ecg::Recording louder = heart(500, 10);
  louder.signal *= 2;
  expect_close(of(p, louder), prediction, 1e-3F);
}

TEST_F(PredictorTest, WhatIsNotKnownIsSaid) {
  Predictor p = predictor();
  const Prediction prediction = p.predict({heart(100, 10), std::nullopt, {}});
  EXPECT_TRUE(has_note(prediction, "age not known"));
  EXPECT_TRUE(has_note(prediction, "sex not known"));
  EXPECT_FALSE(has_note(of(p, heart(100, 10)), "not known"));
}

}  // namespace
}  // namespace cardiograd::model
