#include "model/explanation.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "dsp/features/features.h"
#include "ecg/leads.h"
#include "model/hc_cnn_tn.h"
#include "tests/common/expect_error.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kSamples = 1000;

TrainedModel small_model(bool missing_flags) {
  TrainedModel model;
  ModelDescription& d = model.description;
  d.class_names = {"A", "B"};
  d.thresholds = {0.3F, 0.6F};
  d.lead_names.assign(ecg::kStandardLeads.begin(), ecg::kStandardLeads.end());
  d.rate = 100;
  d.unit = "mV";
  d.feature_scaling = {{"age_years", "sex"}, {60, 0}, {58, 0.5}, {10, 0.5}, missing_flags};
  d.architecture = HcCnnTnConfig{.classes = 2,
                                 .features = d.feature_scaling.width(),
                                 .leads = 12,
                                 .samples = kSamples,
                                 .channels = {4, 6},
                                 .kernels = {5, 3},
                                 .encoder_layers = 1,
                                 .heads = 2,
                                 .feed_forward = 8,
                                 .feature_width = 4,
                                 .head_width = 8};
  model.net = d.architecture.build(5);
  return model;
}

// Twelve leads of beats, one a second from 0.5 s on: a P wave, a QRS complex and a T wave.
RecordToExplain beats_of(double seconds, std::int64_t features) {
  const auto shown = static_cast<std::int64_t>(100 * seconds);
  RecordToExplain record;
  record.name = "beats";
  record.unit = "mV";
  const auto wave = [](double t, double at, double width, double height) {
    return height * std::exp(-(t - at) * (t - at) / (2 * width * width));
  };
  for (std::int64_t i = 0; i < shown; ++i)
    for (int lead = 0; lead < 12; ++lead) {
      const double t = std::fmod(static_cast<double>(i) / 100, 1);
      const double value = wave(t, 0.32, 0.02, 0.12) + wave(t, 0.5, 0.012, 1.0) + wave(t, 0.78, 0.045, 0.3);
      record.samples.push_back(static_cast<float>(value * (lead % 3 == 0 ? 1 : 0.6)));
    }
  record.signals = Tensor::empty({1, kSamples, 12});
  for (std::int64_t i = 0; i < kSamples * 12; ++i)
    record.signals.data()[i] = record.samples[static_cast<std::size_t>(i % (shown * 12))];
  record.features = Tensor::zeros({1, features});
  record.features.data()[0] = 1.2F;
  record.feature_values = {70, std::nan("")};
  return record;
}

TEST(Explanation, PartsAddUp) {
  for (const bool flags : {false, true}) {
    TrainedModel model = small_model(flags);
    const RecordToExplain record = beats_of(10, flags ? 4 : 2);
    const BeatParts beats = beat_parts(record, 100);
    const Explanation e = explain(model, record, beats, 1);
    EXPECT_EQ(e.class_name, "B");
    EXPECT_TRUE(e.missed_fraction <= 0.01);
    const double map = std::accumulate(e.map.begin(), e.map.end(), 0.0);
    for (const auto* parts : {&e.leads, &e.parts}) {
      double contribution = 0, fraction = 0, extent = 0;
      for (const PartContribution& part : *parts) {
        contribution += part.contribution;
        fraction += part.fraction;
        extent += part.extent;
      }
      EXPECT_TRUE(std::abs(contribution - map) <= 1e-9);
      EXPECT_TRUE(std::abs(fraction - 1) <= 1e-9);
      EXPECT_TRUE(std::abs(extent - 1) <= 1e-9);
    }
    EXPECT_TRUE(std::abs(e.signals + e.features - e.missed - (e.logit - e.baseline_logit)) <= 1e-6);
    ASSERT_EQ(e.feature_contributions.size(), 2U);
    EXPECT_EQ(e.feature_contributions[0].value, 70);
    EXPECT_TRUE(std::isnan(e.feature_contributions[1].value));
    EXPECT_EQ(e.feature_contributions[1].contribution, 0);  // At the mean, so it adds nothing.
    EXPECT_EQ(e.occlusion.size(), 50U * 12);
    EXPECT_EQ(e.token, 4);
    EXPECT_EQ(e.grad_cam.size(), 250U);
    EXPECT_EQ(e.rollout.size(), 250U);
  }
}

TEST(Explanation, OfAModelThatSeesCropsIsOfTheWholeRecord) {
  for (const Aggregate aggregate : {Aggregate::kMax, Aggregate::kMean}) {
    TrainedModel model = small_model(false);
    DataShape shape = model.description.architecture.shape();
    shape.samples = 250;
    model.description.architecture.set_shape(shape);
    model.description.cropped_from = kSamples;
    model.description.aggregate = aggregate;
    model.net = model.description.architecture.build(5);
    const RecordToExplain record = beats_of(10, 2);
    const BeatParts beats = beat_parts(record, 100);
    const Explanation e = explain(model, record, beats, 1);
    EXPECT_TRUE(std::abs(e.probability - static_cast<double>(probabilities_of(model, record)[1])) <= 1e-6);
    EXPECT_TRUE(e.missed_fraction <= 0.01);
    ASSERT_EQ(e.map.size(), 1000U * 12);
    EXPECT_EQ(e.occlusion.size(), 50U * 12);
    EXPECT_TRUE(std::abs(e.signals + e.features - e.missed - (e.logit - e.baseline_logit)) <= 1e-6);
    ASSERT_EQ(e.without.size(), 12U + 5 + 2 + 1);
    EXPECT_EQ(e.token, 1);
    ASSERT_EQ(e.rollout.size(), 1000U);
    EXPECT_EQ(e.grad_cam.size(), 1000U);
    EXPECT_TRUE(std::abs(std::accumulate(e.rollout.begin(), e.rollout.end(), 0.0) - 1) <= 1e-6);
    // The largest answer is that of one window; all else of the record has no part in it.
    std::size_t silent = 0;
    for (const double value : e.rollout) silent += value == 0 ? 1U : 0U;
    EXPECT_EQ(silent, aggregate == Aggregate::kMax ? 752U : 2U);  // 62 tokens of 4 samples cover 248 of 250.
  }
}

TEST(Explanation, BeatsAreDividedAtTheirWaves) {
  const BeatParts beats = beat_parts(beats_of(10, 2), 100);
  ASSERT_EQ(beats.of_sample.size(), 1000U);
  int right = 0;
  for (std::size_t beat = 2; beat < 8; ++beat)
    right += (beats.of_sample[beat * 100 + 32] == BeatPart::kP ? 1 : 0) +
             (beats.of_sample[beat * 100 + 50] == BeatPart::kQrs ? 1 : 0) +
             (beats.of_sample[beat * 100 + 78] == BeatPart::kT ? 1 : 0) +
             (beats.of_sample[beat * 100 + 10] == BeatPart::kRest ? 1 : 0);
  EXPECT_EQ(right, 24);
}

TEST(Explanation, AnswersWithoutPartsAreThoseOfTheModel) {
  TrainedModel model = small_model(false);
  const RecordToExplain record = beats_of(10, 2);
  const Explanation e = explain(model, record, beat_parts(record, 100), 0);
  ASSERT_EQ(e.without.size(), 12U + 5 + 2 + 1);
  EXPECT_EQ(e.without[2].what, "lead III");
  RecordToExplain flat = record;
  flat.signals = record.signals.clone();
  for (std::int64_t t = 0; t < kSamples; ++t) flat.signals.data()[t * 12 + 2] = 0;
  const double expected = static_cast<double>(probabilities_of(model, flat)[0]);
  EXPECT_TRUE(std::abs(e.without[2].probability - expected) <= 1e-6);
  EXPECT_TRUE(std::abs(e.probability - static_cast<double>(probabilities_of(model, record)[0])) <= 1e-6);
  for (const Without& one : e.without)
    EXPECT_EQ(one.changes_decision, (one.probability > 0.3F) != (e.probability > 0.3F));
}

TEST(Explanation, OfAShortRecordIsAddedUpWhereItRepeats) {
  TrainedModel model = small_model(false);
  const RecordToExplain record = beats_of(4, 2);
  const BeatParts beats = beat_parts(record, 100);
  const Explanation e = explain(model, record, beats, 0);
  EXPECT_EQ(e.map.size(), 400U * 12);
  EXPECT_TRUE(std::abs(e.signals + e.features - e.missed - (e.logit - e.baseline_logit)) <= 1e-6);
}

TEST(Explanation, ChoosesThePositiveClassesOrTheNearest) {
  const TrainedModel model = small_model(false);
  EXPECT_EQ(classes_to_explain(model.description, {0.4F, 0.7F}), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(classes_to_explain(model.description, {0.1F, 0.7F}), (std::vector<std::int64_t>{1}));
  EXPECT_EQ(classes_to_explain(model.description, {0.1F, 0.5F}), (std::vector<std::int64_t>{1}));
}

TEST(Explanation, RefusesWhatDoesNotFit) {
  TrainedModel model = small_model(false);
  RecordToExplain record = beats_of(10, 2);
  const BeatParts beats = beat_parts(record, 100);
  cardiograd::testing::expect_error([&] { explain(model, record, beats, 2); }, {"class 2"});
  record.feature_values.pop_back();
  cardiograd::testing::expect_error([&] { explain(model, record, beats, 0); }, {"beats", "1 features"});
}

}  // namespace
}  // namespace cardiograd::model
