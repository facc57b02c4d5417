#include "evaluation/mistakes.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace cardiograd::evaluation {
namespace {

// Four records, three classes, thresholds 0.5, 0.28, 0.5.
const std::vector<float> kScores{0.75F, 0.25F, 0.4F, 0.6F, 0.3F, 0.2F, 0.1F, 0.05F, 0.1F, 0.5F, 0.2F, 0.95F};
const std::vector<std::uint8_t> kLabels{0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0};
const std::vector<float> kThresholds{0.5F, 0.28F, 0.5F};

TEST(Mistakes, WorstFirstOncePerRecord) {
  const Predictions predictions{kScores, kLabels, 4, 3, {}};
  const auto mistakes = worst_mistakes(predictions, kThresholds, 10);
  // Record 0: class 0 alarms at 0.75 (and class 1 is missed at 0.25, as bad: the earlier class stays). Record 1: class
  // 1 alarms at 0.3. Record 2: all right. Record 3: class 2 alarms at 0.95, worse than its miss of class 0 at 0.5,
  // which is not above its threshold.
  ASSERT_EQ(mistakes.size(), 3U);
  EXPECT_EQ(mistakes[0].record, 3);
  EXPECT_EQ(mistakes[0].column, 2);
  EXPECT_FALSE(mistakes[0].labeled);
  EXPECT_NEAR(mistakes[0].error, 0.95, 1e-7);
  EXPECT_EQ(mistakes[1].record, 0);
  EXPECT_EQ(mistakes[1].column, 0);
  EXPECT_EQ(mistakes[2].record, 1);
  EXPECT_EQ(mistakes[2].column, 1);
  EXPECT_EQ(worst_mistakes(predictions, kThresholds, 1).size(), 1U);
  EXPECT_TRUE(worst_mistakes(predictions, kThresholds, 0).empty());
}

TEST(Mistakes, NoneAndErrors) {
  const std::vector<float> scores{0.9F, 0.1F};
  const std::vector<std::uint8_t> labels{1, 0};
  const std::vector<float> threshold{0.5F};
  EXPECT_TRUE(worst_mistakes({scores, labels, 2, 1, {}}, threshold, 5).empty());
  EXPECT_THROW(worst_mistakes({scores, labels, 2, 1, {}}, kThresholds, 5), Error);
}

}  // namespace
}  // namespace cardiograd::evaluation
