// Against sums written out by hand in double precision.
#include "model/scaling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/threads.h"
#include "tests/data/helpers.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

using data::testing::expect_error;
using data::testing::LogCapture;
using testing::tiny_set;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

// Mean and standard deviation (of n) of all valid values of one lead, in two plain passes.
std::pair<double, double> reference(const data::Dataset& set, const std::vector<std::int64_t>& rows,
                                    std::int64_t lead) {
  std::vector<double> values;
  for (const std::int64_t row : rows)
    for (std::int64_t t = 0; t < set.samples; ++t) {
      const auto at = static_cast<std::size_t>((row * set.samples + t) * set.leads + lead);
      if (set.signals[at] == data::kInvalidInt16) continue;
      values.push_back(set.signals[at] *
                       static_cast<double>(set.scales[static_cast<std::size_t>(row * set.leads + lead)]));
    }
  double mean = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  double variance = 0;
  for (const double value : values) variance += (value - mean) * (value - mean) / static_cast<double>(values.size());
  return {mean, std::sqrt(variance)};
}

TEST(SignalScaling, MeanAndDeviationOfTheValidSamplesOfTheRowsAlone) {
  data::Dataset set = tiny_set();
  std::fill_n(set.signals.begin() + 5 * 64 * 4, 64 * 4, std::int16_t{32767});  // record 5 is not among the rows
  set.scales[4 * 3 + 2] = 5;                                                   // record 3 dwarfs the others in lead III
  const std::vector<std::int64_t> rows = {0, 2, 3, 7, 11, 79};
  const SignalScaling scaling = fit_signal_scaling(set, rows);
  ASSERT_EQ(scaling.mean.size(), 4U);
  for (std::size_t lead = 0; lead < 4; ++lead) {
    const auto [mean, sd] = reference(set, rows, static_cast<std::int64_t>(lead));
    EXPECT_TRUE(std::abs(scaling.mean[lead] - mean) <= 1e-12 * sd) << lead;
    EXPECT_TRUE(std::abs(scaling.sd[lead] - sd) <= 1e-12 * sd) << lead;
  }
}

TEST(SignalScaling, FlatAndWhollyInvalidLeadsGetDeviationOne) {
  data::Dataset set = tiny_set();
  for (std::size_t i = 0; i < set.signals.size(); i += 4) {
    set.signals[i] = 1000;
    set.signals[i + 1] = data::kInvalidInt16;
  }
  const SignalScaling scaling = fit_signal_scaling(set, {0, 1, 2});
  EXPECT_NEAR(scaling.mean[0], static_cast<double>(0.001F) * 1000, 1e-12);
  EXPECT_EQ(scaling.sd[0], 1);
  EXPECT_EQ(scaling.mean[1], 0);
  EXPECT_EQ(scaling.sd[1], 1);
  EXPECT_TRUE(scaling.sd[2] > 0 && scaling.sd[2] != 1);
}

TEST(SignalScaling, DoesNotDependOnThreads) {
  const data::Dataset set = tiny_set();
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < set.records; ++i) rows.push_back(i);
  set_thread_count(1);
  const SignalScaling one = fit_signal_scaling(set, rows);
  set_thread_count(3);
  const SignalScaling three = fit_signal_scaling(set, rows);
  set_thread_count(0);
  EXPECT_EQ(one.mean, three.mean);
  EXPECT_EQ(one.sd, three.sd);
}

data::Dataset with_features(const std::vector<std::string>& names, const std::vector<float>& values) {
  data::Dataset set;
  set.feature_names = names;
  set.features = values;
  set.records = static_cast<std::int64_t>(values.size() / names.size());
  return set;
}

TEST(FeatureScaling, MedianImputationThenStandardization) {
  LogCapture log;
  // Columns: values with gaps, constant, infinite or missing, missing in the training rows only.
  const data::Dataset set = with_features({"x", "constant", "absent", "late"},  //
                                          {1,        7, kMissing,  kMissing,    //
                                           kMissing, 7, -INFINITY, kMissing,    //
                                           4,        7, kMissing,  kMissing,    //
                                           10,       7, INFINITY,  kMissing,    //
                                           2,        7, kMissing,  kMissing,    //
                                           1000,     8, 3,         5});
  const FeatureScaling scaling = fit_feature_scaling(set, {0, 1, 2, 3, 4}, false);
  EXPECT_EQ(scaling.names, (std::vector<std::string>{"x", "constant"}));
  EXPECT_TRUE(log.informed("left out: absent, late"));
  EXPECT_DOUBLE_EQ(scaling.median[0], 3);  // of 1, 2, 4, 10
  EXPECT_DOUBLE_EQ(scaling.mean[0], 4);    // of 1, 3, 4, 10, 2
  EXPECT_DOUBLE_EQ(scaling.sd[0], std::sqrt(10.0));
  EXPECT_EQ(scaling.sd[1], 0);
  const double x_values[6] = {1, 3, 4, 10, 2, 1000};
  const std::vector<float> scaled = scaled_features(scaling, set.feature_names, set.features);
  ASSERT_EQ(scaled.size(), 12U);
  for (std::size_t record = 0; record < 6; ++record) {
    const double expected = std::min((x_values[record] - 4) / (std::sqrt(10.0) + 1e-8), 5.0);
    EXPECT_NEAR(scaled[2 * record], expected, 1e-6) << record;
    EXPECT_EQ(scaled[2 * record + 1], record < 5 ? 0.F : 5.F) << "a constant column: 0, and at most 5 elsewhere";
  }
}

TEST(FeatureScaling, FlagsFollowTheValues) {
  const data::Dataset set = with_features({"a", "b"}, {1, kMissing, kMissing, 4, 3, 6});
  const FeatureScaling scaling = fit_feature_scaling(set, {0, 1, 2}, true);
  EXPECT_EQ(scaling.width(), 4);
  const std::vector<float> scaled = scaled_features(scaling, set.feature_names, set.features);
  const std::vector<std::vector<float>> flags = {{0, 1}, {1, 0}, {0, 0}};
  for (std::size_t record = 0; record < 3; ++record)
    for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(scaled[4 * record + 2 + i], flags[record][i]) << record;
  EXPECT_EQ(scaled[1], 0) << "b: median 5 of 4 and 6 is the mean too";
}

TEST(FeatureScaling, FindsItsColumnsByNameAndNamesTheOneThatIsNotThere) {
  const FeatureScaling scaling = {{"b"}, {0}, {0}, {1}, false};
  const std::vector<std::string> both = {"a", "b"}, one = {"a"};
  const std::vector<float> values = {9, 1, 9, 2};
  const std::vector<float> scaled = scaled_features(scaling, both, values);
  ASSERT_EQ(scaled.size(), 2U);
  EXPECT_NEAR(scaled[0], 1, 1e-6);
  EXPECT_NEAR(scaled[1], 2, 1e-6);
  expect_error([&] { scaled_features(scaling, one, values); }, {"'b'"});
}

}  // namespace
}  // namespace cardiograd::model
