#include "evaluation/curves.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/evaluation/golden_metrics.h"
#include "tests/evaluation/golden_report.h"

namespace cardiograd::evaluation {
namespace {

constexpr double kTolerance = 1e-9;  // the golden values have 12 digits

TEST(ScoreCurves, AgreeWithScikitLearn) {
  int curves = 0;
  for (const testing::GoldenCase& golden : testing::golden_metric_cases()) {
    const nlohmann::json& expected = testing::golden_report().at("curves").at(golden.name);
    for (std::int64_t c = 0; c < golden.classes; ++c) {
      const nlohmann::json& one = expected.at(static_cast<std::size_t>(c));
      const auto roc = roc_curve(golden.predictions(), c);
      const auto pr = precision_recall_curve(golden.predictions(), c);
      EXPECT_EQ(roc.empty(), one.at("roc").is_null()) << golden.name << c;
      EXPECT_EQ(pr.empty(), one.at("precision_recall").is_null()) << golden.name << c;
      if (!roc.empty()) {
        ASSERT_EQ(roc.size(), one["roc"][0].size()) << golden.name << c;
        for (std::size_t i = 0; i < roc.size(); ++i) {
          EXPECT_NEAR(roc[i].false_positive_rate, one["roc"][0][i].get<double>(), kTolerance);
          EXPECT_NEAR(roc[i].true_positive_rate, one["roc"][1][i].get<double>(), kTolerance);
          if (i > 0) {
            EXPECT_NEAR(roc[i].threshold, one["roc"][2][i - 1].get<double>(), kTolerance);
          }
        }
        EXPECT_TRUE(std::isinf(roc[0].threshold));
        ++curves;
      }
      if (pr.empty()) continue;
      ASSERT_EQ(pr.size(), one["precision_recall"][0].size()) << golden.name << c;
      for (std::size_t i = 0; i < pr.size(); ++i) {
        EXPECT_NEAR(pr[i].recall, one["precision_recall"][0][i].get<double>(), kTolerance);
        EXPECT_NEAR(pr[i].precision, one["precision_recall"][1][i].get<double>(), kTolerance);
        if (i > 0) {
          EXPECT_NEAR(pr[i].threshold, one["precision_recall"][2][i - 1].get<double>(), kTolerance);
        }
      }
      ++curves;
    }
  }
  EXPECT_GT(curves, 40);
}

TEST(ScoreCurves, TrapezoidsUnderTheRocCurveAreTheAuc) {
  const testing::GoldenCase golden = testing::golden_metric_case("heavy ties");
  const Metrics metrics = compute_metrics(golden.predictions(), golden.thresholds);
  for (std::int64_t c = 0; c < golden.classes; ++c) {
    const auto roc = roc_curve(golden.predictions(), c);
    double area = 0;
    for (std::size_t i = 1; i < roc.size(); ++i)
      area += (roc[i].false_positive_rate - roc[i - 1].false_positive_rate) *
              (roc[i].true_positive_rate + roc[i - 1].true_positive_rate) / 2;
    EXPECT_NEAR(area, metrics.classes[static_cast<std::size_t>(c)].auc, 1e-12);
  }
}

TEST(ScoreCurves, NaNIsAnError) {
  const std::vector<float> scores{0.5F, std::nanf("")};
  const std::vector<std::uint8_t> labels{0, 1};
  EXPECT_THROW(roc_curve({scores, labels, 2, 1, {}}, 0), Error);
  EXPECT_THROW(precision_recall_curve({scores, labels, 2, 1, {}}, 0), Error);
}

}  // namespace
}  // namespace cardiograd::evaluation
