#include "evaluation/metrics.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "tests/evaluation/golden_metrics.h"

namespace cardiograd::evaluation {
namespace {

using testing::golden_metric_cases;
using testing::GoldenCase;

// null in the golden file is NaN here.
void expect_equal(double value, const nlohmann::json& expected, const std::string& what) {
  if (expected.is_null()) {
    EXPECT_TRUE(std::isnan(value)) << what << " is " << value << ", expected none";
  } else {
    EXPECT_TRUE(std::abs(value - expected.get<double>()) <= 1e-12)
        << what << " is " << value << ", expected " << expected;
  }
}

void expect_decisions(const BasicMetrics& scores, const nlohmann::json& expected, const std::string& what) {
  expect_equal(scores.precision, expected.at("precision"), what + " precision");
  expect_equal(scores.recall, expected.at("recall"), what + " recall");
  expect_equal(scores.f1, expected.at("f1"), what + " F1");
}

void expect_scores(const BasicMetrics& scores, const nlohmann::json& expected, const std::string& what) {
  expect_decisions(scores, expected, what);
  expect_equal(scores.auc, expected.at("auc"), what + " AUC");
  expect_equal(scores.average_precision, expected.at("average_precision"), what + " average precision");
}

TEST(Metrics, EqualScikitLearn) {
  const auto cases = golden_metric_cases();
  ASSERT_EQ(cases.size(), 10U);
  for (const GoldenCase& golden : cases) {
    SCOPED_TRACE(golden.name);
    const nlohmann::json& expected = golden.expected;
    const Metrics metrics = compute_metrics(golden.predictions(), golden.thresholds);
    ASSERT_EQ(metrics.classes.size(), expected.at("per_class").size());
    EXPECT_EQ(metrics.records, golden.records);
    std::int64_t support = 0;
    for (std::size_t c = 0; c < metrics.classes.size(); ++c) {
      const ClassMetrics& one = metrics.classes[c];
      const nlohmann::json& row = expected.at("per_class")[c];
      const std::string what = "class " + std::to_string(c);
      expect_scores(one, row, what);
      const std::vector<std::int64_t> confusion{one.confusion.true_negatives, one.confusion.false_positives,
                                                one.confusion.false_negatives, one.confusion.true_positives};
      EXPECT_EQ(confusion, row.at("confusion").get<std::vector<std::int64_t>>()) << what;
      EXPECT_EQ(one.support, row.at("support").get<std::int64_t>()) << what;
      EXPECT_EQ(one.both_outcomes, one.support > 0 && one.support < golden.records) << what;
      support += one.support;
    }
    EXPECT_EQ(metrics.support, support);
    EXPECT_EQ(metrics.macro_classes, expected.at("macro").at("classes").get<std::int64_t>());
    expect_scores(metrics.macro, expected.at("macro"), "macro");
    expect_scores(metrics.micro, expected.at("micro"), "micro");
    expect_scores(metrics.weighted, expected.at("weighted"), "weighted");
    expect_decisions(metrics.samples, expected.at("samples"), "samples");
    EXPECT_TRUE(std::isnan(metrics.samples.auc));
    const MacroAuc auc = macro_auc(golden.predictions());
    expect_equal(auc.value, expected.at("macro").at("auc"), "macro_auc()");
    EXPECT_EQ(auc.classes, metrics.macro_classes);
  }
}

TEST(Metrics, MacroSaysOverHowManyClasses) {
  const GoldenCase golden = testing::golden_metric_case("no positives, no negatives, all-zero predictions");
  const Metrics metrics = compute_metrics(golden.predictions(), golden.thresholds);
  EXPECT_EQ(metrics.macro_classes, 4);
  EXPECT_FALSE(metrics.classes[1].both_outcomes);
  EXPECT_FALSE(metrics.classes[4].both_outcomes);
  EXPECT_EQ(metrics.classes[5].auc, 0.5);  // all tied
}

TEST(Metrics, InfiniteScoresAndSignedZeros) {
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> scores{-infinity, -0.0F, 0.0F, infinity};
  const std::vector<std::uint8_t> labels{0, 1, 0, 1};
  const Predictions predictions{scores, labels, 4, 1, {}};
  EXPECT_EQ(macro_auc(predictions).value, 3.5 / 4.0);  // -0 and +0 are a tie
}

std::string message_of(const Predictions& predictions, const std::vector<float>& thresholds) {
  try {
    compute_metrics(predictions, thresholds);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Metrics, ErrorsNameRecordAndClass) {
  std::vector<float> scores{0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F};
  std::vector<std::uint8_t> labels{0, 1, 0, 1, 0, 1};
  const std::vector<std::string> names{"CD", "MI"};
  const std::vector<float> thresholds{0.5F, 0.5F};
  EXPECT_EQ(message_of({scores, labels, 3, 2, names}, thresholds), "no error");
  scores[5] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message_of({scores, labels, 3, 2, names}, thresholds),
            "the score of record 2, class 'MI' is NaN, expected a probability");
  EXPECT_EQ(message_of({scores, labels, 3, 2, {}}, thresholds),
            "the score of record 2, class 1 is NaN, expected a probability");
  EXPECT_THROW(macro_auc({scores, labels, 3, 2, names}), Error);
  scores[5] = 0.6F;
  labels[2] = 2;
  EXPECT_EQ(message_of({scores, labels, 3, 2, names}, thresholds),
            "the label of record 1, class 'CD' is 2, expected 0 or 1");
}

TEST(Metrics, ErrorsNameBothSizes) {
  const std::vector<float> scores(6, 0.5F);
  const std::vector<std::uint8_t> labels(6);
  const std::vector<float> two(2, 0.5F);
  const std::vector<std::string> one_name{"CD"};
  EXPECT_EQ(message_of({scores, labels, 4, 2, {}}, two),
            "6 scores and 6 labels, expected 4 records x 2 classes = 8 of each");
  EXPECT_EQ(message_of({scores, labels, 3, 2, one_name}, two), "1 class names, expected 2");
  EXPECT_EQ(message_of({scores, labels, 2, 3, {}}, two), "2 thresholds, expected one for each of 3 classes");
  EXPECT_EQ(message_of({{}, {}, 0, 2, {}}, two),
            "nothing to evaluate: 0 records, 2 classes, expected at least one of each");
  EXPECT_EQ(message_of({scores, labels, 3, 2, {}}, {0.5F, std::numeric_limits<float>::quiet_NaN()}),
            "the threshold of class 1 is NaN, expected a number");
  EXPECT_THROW(check_predictions({scores, labels, std::int64_t{1} << 40, std::int64_t{1} << 30, {}}), Error);
}

}  // namespace
}  // namespace cardiograd::evaluation
