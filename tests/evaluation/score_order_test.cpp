#include "evaluation/score_order.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cardiograd::evaluation {
namespace {

// Column 1 of (5, 2); scores 0.5 0.1 0.5 0.9 0.1.
const std::vector<float> kScores{0, 0.5F, 0, 0.1F, 0, 0.5F, 0, 0.9F, 0, 0.1F};
const std::vector<std::uint8_t> kLabels{0, 1, 0, 0, 0, 0, 0, 1, 0, 1};

TEST(MetricsOrder, GroupsEqualScoresAndKeepsRecordOrder) {
  const ScoreOrder order = order_by_score({kScores, kLabels, 5, 2, {}}, 1);
  std::vector<std::uint32_t> indices;
  std::vector<std::uint32_t> labels;
  for (const OrderedRecord& record : order.records) {
    indices.push_back(record.index());
    labels.push_back(record.label());
  }
  EXPECT_EQ(indices, (std::vector<std::uint32_t>{1, 4, 0, 2, 3}));
  EXPECT_EQ(labels, (std::vector<std::uint32_t>{0, 1, 1, 0, 1}));
  EXPECT_EQ(order.group_begins, (std::vector<std::uint32_t>{0, 2, 4, 5}));
  EXPECT_EQ(order.positives, 3);
  EXPECT_EQ(order.negatives, 2);
}

TEST(MetricsOrder, WeightsCountAsCopies) {
  const ScoreOrder order = order_by_score({kScores, kLabels, 5, 2, {}}, 1);
  // Positives 0.5, 0.9, 0.1 against negatives 0.1, 0.5: 1 + 0.5, 2, 0.5 + 0 of 6 pairs.
  EXPECT_EQ(roc_auc(order), 4.0 / 6.0);
  EXPECT_EQ(weighted_roc_auc(order, std::vector<std::uint32_t>{1, 1, 1, 1, 1}), 4.0 / 6.0);
  // Record 3 twice, record 4 not at all, record 1 three times: positives 0.5, 0.9, 0.9; negatives 0.1 x 3, 0.5.
  EXPECT_EQ(weighted_roc_auc(order, std::vector<std::uint32_t>{1, 3, 1, 2, 0}), (3.5 + 4.0 + 4.0) / 12.0);
  EXPECT_TRUE(std::isnan(weighted_roc_auc(order, std::vector<std::uint32_t>{1, 0, 0, 1, 1})));
  EXPECT_TRUE(std::isnan(weighted_roc_auc(order, std::vector<std::uint32_t>{0, 2, 3, 0, 0})));
  // Highest first: 0.9 (1 of 1), 0.5 (2 of 3), 0.1 (3 of 5), each gaining a third of the recall.
  EXPECT_DOUBLE_EQ(average_precision(order), (1.0 + 2.0 / 3.0 + 3.0 / 5.0) / 3.0);
}

}  // namespace
}  // namespace cardiograd::evaluation
