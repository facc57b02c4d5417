#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "evaluation/metrics.h"

namespace cardiograd::evaluation {
namespace {

TEST(CoConfusion, CountsDecisionsByLabel) {
  // Four records of three classes, with thresholds 0.5, 0.5 and 0.2.
  const std::vector<float> scores = {0.9F, 0.6F, 0.1F, 0.5F, 0.4F, 0.2F, 0.1F, 0.7F, 0.3F, 0.8F, 0.1F, 0.1F};
  const std::vector<std::uint8_t> labels = {1, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0};
  const std::vector<float> thresholds = {0.5F, 0.5F, 0.2F};
  const Predictions predictions{scores, labels, 4, 3, {}};
  // The first record: A decided A and B. The second: A and B, decided nothing. The third: B and C, decided both.
  EXPECT_EQ(co_confusion(predictions, thresholds),
            (std::vector<std::vector<std::int64_t>>{{1, 1, 0, 1}, {0, 1, 1, 1}, {0, 1, 1, 0}}));
  EXPECT_THROW(co_confusion(predictions, std::vector<float>{0.5F}), Error);
}

TEST(ClassAucs, AreThoseOfTheMetrics) {
  const std::vector<float> scores = {0.9F, 0.6F, 0.1F, 0.5F, 0.4F, 0.2F};
  const std::vector<std::uint8_t> labels = {1, 0, 0, 1, 1, 0};
  const Predictions predictions{scores, labels, 3, 2, {}};
  const std::vector<double> aucs = class_aucs(predictions);
  const Metrics metrics = compute_metrics(predictions, std::vector<float>{0.5F, 0.5F});
  ASSERT_EQ(aucs.size(), 2U);
  EXPECT_EQ(aucs[0], metrics.classes[0].auc);
  EXPECT_EQ(aucs[1], metrics.classes[1].auc);
  const std::vector<std::uint8_t> none(6, 0);
  EXPECT_TRUE(class_aucs({scores, none, 3, 2, {}})[0] != class_aucs({scores, none, 3, 2, {}})[0]);
}

}  // namespace
}  // namespace cardiograd::evaluation
