#include "data/prepare_recording.h"

#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "data/dataset.h"
#include "data/prepare.h"
#include "ecg/leads.h"
#include "tests/data/helpers.h"
#include "tests/data/small_set.h"

namespace cardiograd::data {
namespace {

using testing::expect_error;
using testing::LogCapture;
using testing::physical;
using testing::SmallSet;
using testing::stored;

// A recording and a person are all it takes.
TEST(PrepareRecording, NeedsNoDataset) {
  const ecg::Recording recording = SmallSet::recording(2);
  RecordingSettings settings;
  settings.features = {"k", {"age", "sex"}, [](const ecg::Recording&, const ecg::Person& person) {
                         return std::vector<double>{person.age, person.sex};
                       }};
  const PreparedRecord record = prepare_recording(settings, recording, {.age = 61, .sex = ecg::kFemale});
  EXPECT_EQ(record.samples, SmallSet::kSamples);
  EXPECT_EQ(record.unit, "mV");
  EXPECT_EQ(record.features, (std::vector<float>{61, 1}));
  ASSERT_EQ(record.signal.size(), 12U * SmallSet::kSamples);
  for (std::size_t t = 0; t < SmallSet::kSamples; ++t)
    for (std::size_t lead = 0; lead < 12; ++lead) {
      const double value = static_cast<double>(record.signal[t * 12 + lead]) * static_cast<double>(record.scales[lead]);
      const double expected = recording.signal(static_cast<Eigen::Index>(t), static_cast<Eigen::Index>(lead));
      EXPECT_TRUE(std::abs(value - expected) <= 0.5001 * static_cast<double>(record.scales[lead]));
    }
}

// The ADC values that a file holds are what prepare_digital keeps, where nothing is done to them.
TEST(PrepareRecording, StoredSamplesAreKept) {
  const SmallSet small;
  const DigitalRecording digital = read_wfdb_digital(small.path(3, ".hea"));
  const PreparedRecord record = prepare_digital({}, digital, {});
  EXPECT_EQ(record.source_unit, "mV");
  EXPECT_TRUE(record.features.empty());
  for (std::size_t t = 0; t < SmallSet::kSamples; ++t)
    for (std::size_t lead = 0; lead < 12; ++lead)
      ASSERT_EQ(record.signal[t * 12 + lead], SmallSet::steps(3, static_cast<int>(lead), static_cast<int>(t)));
}

TEST(PrepareRecording, FiltersAreStoredWithinHalfAStepAndGapsStayGaps) {
  const SmallSet small;
  ecg::Recording gaps = SmallSet::recording(1);
  gaps.signal.block(10, 2, 5, 1).setConstant(NAN);
  gaps.signal(0, 3) = gaps.signal(49, 3) = NAN;
  gaps.signal.col(4).setConstant(NAN);
  small.write(1, gaps);
  auto settings = small.settings();
  settings.recording.filter = {"double", [](const Eigen::ArrayXXd& signal, double rate) -> Eigen::ArrayXXd {
                                 EXPECT_EQ(rate, 100);
                                 EXPECT_TRUE(signal.allFinite());
                                 return signal * 2;
                               }};
  const LogCapture log;
  const Dataset set = prepare(settings);
  EXPECT_EQ(set.filter, "double");
  EXPECT_EQ(set.invalid_samples.count, 57);
  EXPECT_EQ(set.flat_leads.count, 1) << "a lead without a valid sample";
  for (std::int64_t t = 0; t < 50; ++t) {
    for (std::int64_t lead = 0; lead < 12; ++lead) {
      const double expected = 2 * gaps.signal(t, lead);
      if (std::isnan(expected)) {
        EXPECT_EQ(stored(set, 0, t, lead), kInvalidInt16);
      } else {
        const double scale = static_cast<double>(set.scales[static_cast<std::size_t>(lead)]);
        EXPECT_TRUE(std::abs(physical(set, 0, t, lead) - expected) <= scale * 0.5001);
        EXPECT_TRUE(scale <= 1.0 / 32767 * 1.0001) << "the full range of 16 bits is used";
      }
    }
  }
}

TEST(PrepareRecording, GapsAreBridgedByStraightLines) {
  const SmallSet small(1);
  ecg::Recording gaps = SmallSet::recording(1);
  gaps.signal.col(0) = Eigen::ArrayXd::LinSpaced(50, 0.0, 0.49);
  gaps.signal(0, 0) = gaps.signal(20, 0) = gaps.signal(21, 0) = gaps.signal(49, 0) = NAN;
  small.write(1, gaps);
  auto settings = small.settings();
  settings.recording.filter.apply = [](const Eigen::ArrayXXd& signal, double) -> Eigen::ArrayXXd {
    EXPECT_TRUE(std::abs(signal(20, 0) - 0.20) <= 1e-12);
    EXPECT_TRUE(std::abs(signal(21, 0) - 0.21) <= 1e-12);
    EXPECT_EQ(signal(0, 0), 0.01);
    EXPECT_EQ(signal(49, 0), 0.48);
    return signal;
  };
  prepare(settings);
}

TEST(PrepareRecording, NormalizesByZscore) {
  const SmallSet small;
  ecg::Recording flat = SmallSet::recording(2);
  flat.signal.col(7).setConstant(0.5);
  small.write(2, flat);
  auto settings = small.settings();
  settings.recording.normalize = Normalize::kZscore;
  settings.recording.filter = {"never", [](const Eigen::ArrayXXd&, double) -> Eigen::ArrayXXd {
                                 ADD_FAILURE() << "the normalizing filter takes its place";
                                 return {};
                               }};
  EXPECT_THROW(prepare(settings), UsageError) << "without its filter";
  settings.recording.normalize_filter = {
      "shift", [](const Eigen::ArrayXXd& signal, double) -> Eigen::ArrayXXd { return signal * 3 + 1e-3; }};
  const Dataset set = prepare(settings);
  EXPECT_EQ(set.unit, "z");
  EXPECT_EQ(set.filter, "shift, z-score per record");
  const Eigen::ArrayXd lead = SmallSet::recording(1).signal.col(5);
  const Eigen::ArrayXd expected = (lead - lead.mean()) / std::sqrt((lead - lead.mean()).square().mean());
  for (std::int64_t t = 0; t < 50; ++t) {
    EXPECT_TRUE(std::abs(physical(set, 0, t, 5) - expected(t)) <= 1e-4);
    EXPECT_EQ(stored(set, 1, t, 7), 0) << "a flat lead stays flat";
  }
}

TEST(PrepareRecording, NormalizingLeavesAlreadyStandardizedSignalsAlone) {
  const SmallSet small(6);
  for (int i = 1; i <= 6; ++i) {
    ecg::Recording recording = SmallSet::recording(i);
    recording.units.assign(12, "z");
    small.write(i, recording);
  }
  auto settings = small.settings();
  settings.recording.normalize = Normalize::kZscore;
  settings.recording.normalize_filter = {"shift", [](const Eigen::ArrayXXd& signal, double) { return signal; }};
  const Dataset set = prepare(settings);
  EXPECT_EQ(set.unit, "z");
  EXPECT_EQ(set.filter, "none");
  EXPECT_EQ(stored(set, 0, 9, 4), SmallSet::steps(1, 4, 9));
}

TEST(PrepareRecording, LeadsInAnyOrderVoltagesInMillivolts) {
  const SmallSet small;
  ecg::Recording recording = SmallSet::recording(1);
  ecg::Recording reversed = recording;
  for (Eigen::Index lead = 0; lead < 12; ++lead) {
    const auto from = static_cast<std::size_t>(11 - lead);
    reversed.leads[static_cast<std::size_t>(lead)] = recording.leads[from] == "aVR" ? "avr" : recording.leads[from];
    reversed.units[static_cast<std::size_t>(lead)] = "uV";
    reversed.signal.col(lead) = recording.signal.col(11 - lead) * 1000;
  }
  small.write(1, reversed, 1);
  const Dataset set = prepare(small.settings());
  for (std::int64_t t = 0; t < 50; ++t)
    for (std::int64_t lead = 0; lead < 12; ++lead)
      EXPECT_TRUE(std::abs(physical(set, 0, t, lead) - recording.signal(t, lead)) <= 1e-6);
}

TEST(PrepareRecording, HooksThatReturnTheWrongShape) {
  const SmallSet small;
  auto settings = small.settings();
  settings.recording.filter.apply = [](const Eigen::ArrayXXd& signal, double) -> Eigen::ArrayXXd {
    return signal.topRows(3);
  };
  expect_error([&] { prepare(settings); }, {"00001_lr", "3 x 12 values"});
  settings.recording.filter.apply = [](const Eigen::ArrayXXd& signal, double) -> Eigen::ArrayXXd {
    return signal / 0.0;
  };
  expect_error([&] { prepare(settings); }, {"00001_lr", "not all finite"});
  settings = small.settings();
  settings.recording.features = {
      "k", {"a", "b"}, [](const ecg::Recording&, const ecg::Person&) { return std::vector<double>{1}; }};
  expect_error([&] { prepare(settings); }, {"00001_lr", "1 features, expected 2"});
}

}  // namespace
}  // namespace cardiograd::data
