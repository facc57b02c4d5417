#include "evaluation/thresholds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/log.h"
#include "tests/evaluation/golden_metrics.h"

namespace cardiograd::evaluation {
namespace {

using testing::golden_metric_cases;
using testing::GoldenCase;

TEST(Thresholds, ReachTheBestF1OfAllMidpoints) {
  std::int64_t tuned = 0;
  for (const GoldenCase& golden : golden_metric_cases()) {
    SCOPED_TRACE(golden.name);
    const std::vector<ClassThreshold> thresholds = tune_thresholds(golden.predictions());
    ASSERT_EQ(thresholds.size(), static_cast<std::size_t>(golden.classes));
    const Metrics metrics = compute_metrics(golden.predictions(), threshold_values(thresholds));
    for (std::size_t c = 0; c < thresholds.size(); ++c) {
      SCOPED_TRACE(c);
      const nlohmann::json& expected = golden.expected.at("per_class")[c].at("tuned");
      EXPECT_EQ(thresholds[c].tuned, !expected.is_null());
      EXPECT_TRUE(std::abs(thresholds[c].f1 - metrics.classes[c].f1) <= 1e-15);  // what it says is what it does
      if (expected.is_null()) {
        EXPECT_EQ(thresholds[c].value, 0.5F);
        EXPECT_FALSE(thresholds[c].reason.empty());
        continue;
      }
      ++tuned;
      EXPECT_TRUE(std::abs(thresholds[c].f1 - expected.at("f1").get<double>()) <= 1e-12);
      // Among the thresholds that scikit-learn finds equal: the nearest to 0.5.
      const auto all = expected.at("thresholds").get<std::vector<double>>();
      const double nearest = *std::min_element(
          all.begin(), all.end(), [](double a, double b) { return std::abs(a - 0.5) < std::abs(b - 0.5); });
      EXPECT_TRUE(std::abs(std::abs(thresholds[c].value - 0.5) - std::abs(nearest - 0.5)) <= 1e-7);
    }
  }
  EXPECT_EQ(tuned, 22);
}

TEST(Thresholds, ByHand) {
  const std::vector<std::uint8_t> labels{0, 1, 0, 0, 1, 1};
  const std::vector<float> scores{0.1F, 0.3F, 0.5F, 0.6F, 0.7F, 0.9F};
  const ClassThreshold best = tune_thresholds({scores, labels, 6, 1, {}})[0];
  EXPECT_TRUE(std::abs(best.value - 0.65F) <= 1e-6F);  // 2 hits of 2 predicted: 4/5; above 0.2 it is 6/8
  EXPECT_DOUBLE_EQ(best.f1, 0.8);
}

TEST(Thresholds, EqualF1EquallyFarTakesTheHigher) {
  // Predicted above 0.625: 1 hit of 1, 1 missed of 2 -> 2/3. Above 0.375: 2 hits of 4 -> 4/6, the same.
  const std::vector<std::uint8_t> labels{0, 1, 0, 0, 1};
  const std::vector<float> scores{0.25F, 0.5F, 0.5F, 0.5F, 0.75F};
  const ClassThreshold tie = tune_thresholds({scores, labels, 5, 1, {}})[0];
  EXPECT_DOUBLE_EQ(tie.f1, 2.0 / 3.0);
  EXPECT_EQ(tie.value, 0.625F);
}

TEST(Thresholds, InfiniteScoresStillGetAFiniteThreshold) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<std::uint8_t> labels{0, 1};
  for (const std::vector<float>& scores :
       {std::vector<float>{-infinity, infinity}, std::vector<float>{-infinity, 0.25F},
        std::vector<float>{0.25F, infinity}, std::vector<float>{-3e38F, 3e38F}}) {
    const ClassThreshold threshold = tune_thresholds({scores, labels, 2, 1, {}})[0];
    EXPECT_TRUE(std::isfinite(threshold.value));
    EXPECT_FALSE(scores[0] > threshold.value);
    EXPECT_TRUE(scores[1] > threshold.value);
    EXPECT_EQ(threshold.f1, 1.0);
  }
}

TEST(Thresholds, SaysWhatCouldNotBeTuned) {
  std::vector<std::string> warnings;
  const LogCallback before = set_log_callback([&](LogLevel level, std::string_view message) {
    if (level == LogLevel::kWarning) warnings.emplace_back(message);
  });
  const std::vector<std::uint8_t> labels{0, 1, 0, 1, 0, 1, 1, 1};
  const std::vector<float> scores{0.2F, 0.6F, 0.4F, 0.7F, 0.3F, 0.8F, 0.6F, 0.1F};
  const std::vector<std::string> names{"CD", "WPW"};
  const Predictions validation = {scores, labels, 4, 2, names};
  const std::vector<ClassThreshold> thresholds = tune_thresholds(validation);
  warn_of_untuned(thresholds, validation);
  const std::vector<float> equal(8, 0.25F);
  const std::vector<std::uint8_t> mixed{0, 1, 0, 0, 0, 1, 1, 0};
  const Predictions all_equal = {equal, mixed, 4, 2, names};
  warn_of_untuned(tune_thresholds(all_equal), all_equal);
  set_log_callback(before);

  EXPECT_TRUE(thresholds[0].tuned);
  EXPECT_FALSE(thresholds[1].tuned);
  EXPECT_EQ(thresholds[1].reason, "no negatives");
  EXPECT_DOUBLE_EQ(thresholds[1].f1, 2.0 * 3.0 / (3.0 + 4.0));
  ASSERT_EQ(warnings.size(), 3U);
  EXPECT_EQ(warnings[0], "the threshold of class 'WPW' stays 0.5: no negatives among 4 validation records");
  EXPECT_EQ(warnings[1], "the threshold of class 'CD' stays 0.5: all scores are equal among 4 validation records");
}

}  // namespace
}  // namespace cardiograd::evaluation
