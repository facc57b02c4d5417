#include "dsp/features.h"

#include <cmath>
#include <limits>
#include <set>
#include <string>
#include <vector>

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
  const FeatureRow row = compute_features(x, 100.0, "mV", names(12), 63.0, 1.0);
  expect_complete(row);
  EXPECT_NEAR(value(row, "rr_mean_ms"), 800.0, 0.5);
  EXPECT_NEAR(value(row, "rr_median_ms"), 800.0, 1.0);
  EXPECT_NEAR(value(row, "hr_mean_bpm"), 75.0, 0.1);
  EXPECT_EQ(value(row, "rr_pnn60_pct"), 0.0);
  EXPECT_LT(value(row, "rr_rmssd_ms"), 2.0);
  EXPECT_EQ(value(row, "age_years"), 63.0);
  EXPECT_EQ(value(row, "sex"), 1.0);
}

TEST(Features, AgeAndSexAsPtbXlWritesThem) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.8), 10.0, 100.0, 1);
  const auto of = [&](double age, double sex) { return compute_features(x, 100.0, "mV", names(1), age, sex); };
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
    const FeatureRow row = compute_features(signal, 100.0, "mV", names(12), kNan, kNan);
    expect_complete(row);
    EXPECT_TRUE(std::isnan(value(row, "rr_rmssd_ms")));
  }
}

TEST(Features, OneNamePerLead) {
  EXPECT_THROW(compute_features(Eigen::ArrayXXd::Zero(1000, 2), 100.0, "mV", names(3), 50.0, 0.0), Error);
}

}  // namespace
}  // namespace cardiograd::dsp
