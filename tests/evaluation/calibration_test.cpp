#include "evaluation/calibration.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/evaluation/golden_metrics.h"
#include "tests/evaluation/golden_report.h"

namespace cardiograd::evaluation {
namespace {

constexpr double kTolerance = 1e-9;

TEST(Calibration, AgreesWithScikitLearn) {
  for (const testing::GoldenCase& golden : testing::golden_metric_cases()) {
    for (std::int64_t c = 0; c < golden.classes; ++c) {
      const nlohmann::json& expected =
          testing::golden_report().at("curves").at(golden.name).at(static_cast<std::size_t>(c)).at("calibration");
      const Calibration result = calibration(golden.predictions(), c);
      ASSERT_EQ(result.bins.size(), 10U);
      std::size_t filled = 0;
      std::int64_t positives = 0;
      for (std::size_t b = 0; b < result.bins.size(); ++b) {
        const ReliabilityBin& bin = result.bins[b];
        EXPECT_EQ(bin.records, expected["counts"][b].get<std::int64_t>()) << golden.name << c << " bin " << b;
        positives += bin.positives;
        if (bin.records == 0) {
          EXPECT_TRUE(std::isnan(bin.mean_score) && std::isnan(bin.positive_fraction));
          continue;
        }
        EXPECT_NEAR(bin.positive_fraction, expected["share"][filled].get<double>(), kTolerance);
        EXPECT_NEAR(bin.mean_score, expected["mean"][filled].get<double>(), kTolerance);
        EXPECT_NEAR(bin.interval.low, expected["low"][filled].get<double>(), kTolerance);
        EXPECT_NEAR(bin.interval.high, expected["high"][filled].get<double>(), kTolerance);
        ++filled;
      }
      EXPECT_EQ(filled, expected["share"].size());
      EXPECT_EQ(positives, result.positives);
      EXPECT_EQ(result.records, golden.records);
      EXPECT_NEAR(result.expected_error, expected["expected_error"].get<double>(), kTolerance) << golden.name << c;
      EXPECT_NEAR(result.brier, expected["brier"].get<double>(), kTolerance) << golden.name << c;
    }
  }
}

TEST(Calibration, ByHand) {
  // Two bins of width 0.5: 0, 0.25 and 0.5 (its edge) fall into the first, 1 into the second.
  const std::vector<float> scores{0.25F, 0.5F, 1.0F, 0.0F};
  const std::vector<std::uint8_t> labels{0, 1, 1, 0};
  const Calibration result = calibration({scores, labels, 4, 1, {}}, 0, 2);
  EXPECT_EQ(result.bins[0].records, 3);
  EXPECT_EQ(result.bins[0].positives, 1);
  EXPECT_DOUBLE_EQ(result.bins[0].mean_score, 0.25);
  EXPECT_EQ(result.bins[1].records, 1);
  EXPECT_DOUBLE_EQ(result.expected_error, (1.0 / 3 - 0.25) * 0.75);
  EXPECT_DOUBLE_EQ(result.brier, (0.0625 + 0.25) / 4);
}

TEST(Calibration, Errors) {
  const std::vector<std::uint8_t> labels{0, 1};
  for (const float bad : {1.5F, -0.25F, std::nanf("")}) {
    const std::vector<float> scores{0.5F, bad};
    EXPECT_THROW(calibration({scores, labels, 2, 1, {}}, 0), Error) << bad;
  }
  const std::vector<float> scores{0.5F, 0.5F};
  EXPECT_THROW(calibration({scores, labels, 2, 1, {}}, 0, 0), Error);
  EXPECT_THROW(wilson_interval(1, 0), Error);
  EXPECT_THROW(wilson_interval(3, 2), Error);
}

}  // namespace
}  // namespace cardiograd::evaluation
