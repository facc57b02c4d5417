#include "dsp/features/features.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

std::vector<std::string> names(Eigen::Index leads) {
  std::vector<std::string> all = {"I", "II", "III", "AVR", "AVL", "AVF", "V1", "V2", "V3", "V4", "V5", "V6"};
  all.resize(static_cast<std::size_t>(leads), "X");
  return all;
}

// A recording whose leads are all in `unit`.
ecg::Recording recording(const Eigen::ArrayXXd& signal, double rate, const std::string& unit,
                         std::vector<std::string> leads) {
  const std::vector<std::string> units(leads.size(), unit);
  return {"r", rate, std::move(leads), units, signal, {}};
}

double value(const FeatureRow& row, std::string_view column) {
  for (std::size_t i = 0; i < feature_columns().size(); ++i) {
    if (feature_columns()[i].name == column) return row.values[i];
  }
  ADD_FAILURE() << "no column " << column;
  return kNan;
}

// A number or a reason, for every column.
void expect_complete(const FeatureRow& row) {
  ASSERT_EQ(row.values.size(), feature_columns().size());
  ASSERT_EQ(row.reasons.size(), feature_columns().size());
  for (std::size_t i = 0; i < row.values.size(); ++i) {
    EXPECT_FALSE(std::isinf(row.values[i])) << feature_columns()[i].name;
    EXPECT_EQ(std::isnan(row.values[i]), !row.reasons[i].empty()) << feature_columns()[i].name << row.reasons[i];
  }
}

TEST(Features, ColumnsAreNamedOnceAndDefined) {
  std::set<std::string_view> seen;
  for (const FeatureColumn& column : feature_columns()) {
    EXPECT_TRUE(seen.insert(column.name).second) << column.name;
    EXPECT_FALSE(column.definition.empty() || column.needs.empty()) << column.name;
  }
  for (const char* name : {"rr_mean_ms", "rr_pnn60_pct", "hr_sd_bpm", "age_years", "sex"})
    EXPECT_TRUE(seen.contains(name));
}

TEST(Features, RegularRhythm) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, 100.0, 12);
  const FeatureRow row = compute_features(recording(x, 100.0, "mV", names(12)), {63.0, 1.0});
  expect_complete(row);
  EXPECT_NEAR(value(row, "rr_mean_ms"), 800.0, 0.5);
  EXPECT_NEAR(value(row, "rr_median_ms"), 800.0, 1.0);
  EXPECT_NEAR(value(row, "hr_mean_bpm"), 75.0, 0.1);
  EXPECT_EQ(value(row, "rr_pnn60_pct"), 0.0);
  EXPECT_LT(value(row, "rr_rmssd_ms"), 2.0);
  EXPECT_EQ(value(row, "age_years"), 63.0);
  EXPECT_EQ(value(row, "sex"), 1.0);
}

TEST(Features, AllColumnsOfASinusRhythm) {
  EXPECT_EQ(feature_columns().size(), 29U);
  for (const double rate : {100.0, 250.0, 500.0, 1000.0}) {
    const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, rate, 12);
    const FeatureRow row = compute_features(recording(x, rate, "mV", names(12)), {63.0, 1.0});
    expect_complete(row);
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      EXPECT_TRUE(std::isfinite(row.values[i])) << feature_columns()[i].name << ": " << row.reasons[i];
    }
    // Lead II is 0.8 times the made-up beat: R 1.0, Q -0.1, S -0.2, T 0.3 mV.
    EXPECT_NEAR(value(row, "qrs_amplitude_mean_mv"), 0.8 * 1.17, 0.12) << rate;
    EXPECT_NEAR(value(row, "t_amplitude_mean_mv"), 0.8 * 0.3, 0.05) << rate;
    EXPECT_NEAR(value(row, "qrs_duration_mean_ms"), 109.0, 20.0) << rate;
    EXPECT_NEAR(value(row, "qt_mean_ms"), 280.0 + 105.0 + 52.0, 30.0) << rate;
    EXPECT_GT(value(row, "p_correlation"), 0.9) << rate;
    EXPECT_LT(value(row, "t_alternans_uv"), 60.0) << rate;
  }
}

TEST(Features, ScaleScalesVoltagesAndNothingElse) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, 250.0, 12, 0.01);
  const FeatureRow millivolts = compute_features(recording(x, 250.0, "mV", names(12)), {63.0, 1.0});
  const FeatureRow microvolts = compute_features(recording(x * 1000.0, 250.0, "uV", names(12)), {63.0, 1.0});
  const FeatureRow twice = compute_features(recording(x * 2.0, 250.0, "mV", names(12)), {63.0, 1.0});
  const FeatureRow scores = compute_features(recording(x, 250.0, "z", names(12)), {63.0, 1.0});
  for (std::size_t i = 0; i < feature_columns().size(); ++i) {
    const auto unit = feature_columns()[i].unit;
    const bool voltage = unit.starts_with("mV") || unit == "uV";
    const double tolerance = 1e-6 * (1.0 + std::abs(millivolts.values[i]));
    EXPECT_NEAR(microvolts.values[i], millivolts.values[i], tolerance) << feature_columns()[i].name;
    EXPECT_NEAR(twice.values[i], millivolts.values[i] * (voltage ? 2.0 : 1.0), 2.0 * tolerance);
    EXPECT_EQ(scores.reasons[i], voltage ? "no scale" : "") << feature_columns()[i].name;
  }
}

TEST(Features, LeadsInDifferentVoltageUnitsAreTheSameLeads) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, 250.0, 12, 0.01);
  const ecg::Person person{63.0, 1.0};
  const FeatureRow expected = compute_features(recording(x, 250.0, "mV", names(12)), person);
  ecg::Recording mixed = recording(x, 250.0, "mV", names(12));
  mixed.units[1] = "uV";
  mixed.signal.col(1) *= 1000.0;
  mixed.units[7] = "V";
  mixed.signal.col(7) /= 1000.0;
  const FeatureRow found = compute_features(mixed, person);
  for (std::size_t i = 0; i < feature_columns().size(); ++i) {
    EXPECT_NEAR(found.values[i], expected.values[i], 1e-6 * (1.0 + std::abs(expected.values[i])))
        << feature_columns()[i].name;
  }
  mixed.units[7] = "mmHg";
  EXPECT_TRUE(std::isnan(value(compute_features(mixed, person), "qrs_amplitude_mean_mv")));
}

TEST(Features, LeadOrderDoesNotMatter) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, 250.0, 12, 0.01);
  std::vector<std::string> reversed_names = names(12);
  std::reverse(reversed_names.begin(), reversed_names.end());
  const Eigen::ArrayXXd reversed = x.rowwise().reverse();
  const FeatureRow a = compute_features(recording(x, 250.0, "mV", names(12)), {63.0, 1.0});
  const FeatureRow b = compute_features(recording(reversed, 250.0, "mV", reversed_names), {63.0, 1.0});
  for (std::size_t i = 0; i < feature_columns().size(); ++i) {
    EXPECT_NEAR(a.values[i], b.values[i], 1e-5 * (1.0 + std::abs(a.values[i]))) << feature_columns()[i].name;
  }
}

TEST(Features, FlatLeadTwoFallsBackToTheLargest) {
  Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, 250.0, 12);
  x.col(1).setConstant(kNan);
  const FeatureRow row = compute_features(recording(x, 250.0, "mV", names(12)), {63.0, 1.0});
  expect_complete(row);
  EXPECT_NEAR(value(row, "qrs_amplitude_mean_mv"), 1.2 * 1.17, 0.15);
  EXPECT_FALSE(std::isnan(value(row, "frequency_mean_hz")));
}

TEST(Features, AlternansOfAlternatingTWaves) {
  const auto beats = regular_beats(12.0, 0.8);
  std::vector<SyntheticWave> taller = kSinusBeat;
  taller.back().amplitude += 0.1;
  std::vector<double> odd, even;
  for (std::size_t b = 0; b < beats.size(); ++b) (b % 2 == 1 ? odd : even).push_back(beats[b]);
  const Eigen::ArrayXXd x =
      synthetic_ecg(even, 12.0, 250.0, 3, 0.001) + synthetic_ecg(odd, 12.0, 250.0, 3, 0.001, taller);
  // Gains 1, 0.8 and 0.6: the median lead has 80 uV.
  EXPECT_NEAR(value(compute_features(recording(x, 250.0, "mV", names(3)), {63.0, 1.0}), "t_alternans_uv"), 80.0, 12.0);
}

TEST(Features, AgeAndSexAsPtbXlWritesThem) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, 100.0, 1);
  const auto of = [&](double age, double sex) {
    return compute_features(recording(x, 100.0, "mV", names(1)), {age, sex});
  };
  EXPECT_EQ(value(of(300.0, 0.0), "age_years"), 90.0);
  EXPECT_EQ(value(of(0.0, 0.0), "age_years"), 0.0);
  EXPECT_TRUE(std::isnan(value(of(-1.0, 0.0), "age_years")));
  EXPECT_TRUE(std::isnan(value(of(200.0, 0.0), "age_years")));
  const FeatureRow unknown = of(kNan, kNan);
  expect_complete(unknown);
  EXPECT_TRUE(std::isnan(value(unknown, "age_years")));
  EXPECT_TRUE(std::isnan(value(unknown, "sex")));
  EXPECT_TRUE(std::isnan(value(of(50.0, 2.0), "sex")));
}

TEST(Features, EveryMissingValueHasAReason) {
  std::vector<Eigen::ArrayXXd> signals = {Eigen::ArrayXXd(0, 12),
                                          Eigen::ArrayXXd(50, 12),
                                          Eigen::ArrayXXd::Constant(1000, 12, kNan),
                                          Eigen::ArrayXXd::Zero(1000, 12),
                                          Eigen::ArrayXXd::Constant(1000, 12, 32767.0),
                                          synthetic_ecg({}, 10.0, 100.0, 12, 0.1),
                                          synthetic_ecg(std::vector<double>{1.0}, 2.0, 100.0, 12),
                                          synthetic_ecg(std::vector<double>{0.6, 1.4}, 2.0, 100.0, 12)};
  signals[1].setRandom();
  for (const Eigen::ArrayXXd& signal : signals) {
    const FeatureRow row = compute_features(recording(signal, 100.0, "mV", names(12)), {kNan, kNan});
    expect_complete(row);
    EXPECT_TRUE(std::isnan(value(row, "rr_rmssd_ms")));
  }
}

TEST(Features, OneNameAndOneUnitPerLead) {
  const Eigen::ArrayXXd flat = Eigen::ArrayXXd::Zero(1000, 2);
  EXPECT_THROW(compute_features(recording(flat, 100.0, "mV", names(3)), {50.0, 0.0}), Error);
  ecg::Recording one_unit = recording(flat, 100.0, "mV", names(2));
  one_unit.units.pop_back();
  EXPECT_THROW(compute_features(one_unit, {50.0, 0.0}), Error);
}

// The interval across missing samples is none of the rhythm, wherever the gap begins and ends.
TEST(Features, RhythmWithMissingSamples) {
  constexpr double kRate = 250.0;
  std::vector<double> beats = {0.5};
  for (int i = 0; beats.back() < 29.0; ++i) beats.push_back(beats.back() + 0.8 + 0.01 * (i % 3));
  const Eigen::ArrayXXd whole = synthetic_ecg(beats, 30.0, kRate, 12);
  const FeatureRow expected = compute_features(recording(whole, kRate, "mV", names(12)), {});
  for (const double begin_s : {10.0, 10.13, 10.35, 10.6}) {
    for (const double length_s : {0.5, 1.0, 2.0, 3.2}) {
      Eigen::ArrayXXd x = whole;
      x.middleRows(std::lround(begin_s * kRate), std::lround(length_s * kRate)).setConstant(kNan);
      const FeatureRow row = compute_features(recording(x, kRate, "mV", names(12)), {});
      expect_complete(row);
      const std::string what = fmt::format("{} s from {} s on", length_s, begin_s);
      EXPECT_NEAR(value(row, "rr_mean_ms"), value(expected, "rr_mean_ms"), 2.0) << what;
      EXPECT_NEAR(value(row, "rr_rmssd_ms"), value(expected, "rr_rmssd_ms"), 2.0) << what;
      EXPECT_NEAR(value(row, "hr_min_bpm"), value(expected, "hr_min_bpm"), 1.0) << what;
      EXPECT_NEAR(value(row, "hr_max_bpm"), value(expected, "hr_max_bpm"), 1.0) << what;
    }
  }
  Eigen::ArrayXXd one_lead = whole;  // The others show the beats.
  one_lead.col(1).segment(2500, 500).setConstant(kNan);
  const FeatureRow row = compute_features(recording(one_lead, kRate, "mV", names(12)), {});
  EXPECT_NEAR(value(row, "hr_sd_bpm"), value(expected, "hr_sd_bpm"), 0.05);
}

}  // namespace
}  // namespace cardiograd::dsp
