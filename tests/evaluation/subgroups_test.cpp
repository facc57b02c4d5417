#include "evaluation/subgroups.h"

#include <cmath>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/evaluation/golden_metrics.h"

namespace cardiograd::evaluation {
namespace {

using Members = std::vector<std::int64_t>;

TEST(Subgroups, EdgesOfTheAgesAndWhatIsNotRecorded) {
  const float nan = std::nanf("");
  const std::vector<float> ages{39.9F, 40, 59, 60, 79, 80, 90, nan, 3};
  const std::vector<float> sexes{0, 1, 1, 0, nan, 2, 1, 0, 1};
  const auto groups = age_and_sex_groups(ages, sexes);
  ASSERT_EQ(groups.size(), 8U);
  EXPECT_EQ(groups[0].members, (Members{0, 8}));
  EXPECT_EQ(groups[1].members, (Members{1, 2}));
  EXPECT_EQ(groups[2].members, (Members{3, 4}));
  EXPECT_EQ(groups[3].members, (Members{5, 6}));
  EXPECT_EQ(groups[4].name, "not recorded");
  EXPECT_EQ(groups[4].members, (Members{7}));
  EXPECT_EQ(groups[5].name, "male");
  EXPECT_EQ(groups[5].members, (Members{0, 3, 7}));
  EXPECT_EQ(groups[6].members, (Members{1, 2, 6, 8}));
  EXPECT_EQ(groups[7].members, (Members{4, 5}));
}

TEST(Subgroups, NotRecordedOnlyWhereItOccurs) {
  const std::vector<float> ages{50, 50};
  const std::vector<float> sexes{0, 0};
  const auto groups = age_and_sex_groups(ages, sexes);
  ASSERT_EQ(groups.size(), 6U);
  EXPECT_TRUE(groups[0].members.empty());
  EXPECT_THROW(age_and_sex_groups(ages, std::vector<float>{0}), Error);
}

TEST(Subgroups, TheWholeSetGivesTheWholeFigures) {
  const testing::GoldenCase golden = testing::golden_metric_case("random");
  Subgroup all{"age", "all", {}};
  for (std::int64_t i = 0; i < golden.records; ++i) all.members.push_back(i);
  const auto results = evaluate_subgroups(golden.predictions(), golden.thresholds, {all}, {100, 3, 0.95});
  const BootstrapAuc expected = bootstrap_auc(golden.predictions(), {100, 3, 0.95});
  EXPECT_EQ(results[0].metrics.macro.auc, compute_metrics(golden.predictions(), golden.thresholds).macro.auc);
  EXPECT_EQ(results[0].auc.macro.low, expected.macro.low);
  EXPECT_EQ(results[0].auc.classes[4].high, expected.classes[4].high);
}

TEST(Subgroups, PartsByHand) {
  // Two classes; the group takes records 1, 2 and 4.
  const std::vector<float> scores{0.9F, 0.1F, 0.2F, 0.8F, 0.7F, 0.3F, 0.5F, 0.5F, 0.6F, 0.9F};
  const std::vector<std::uint8_t> labels{1, 0, 0, 1, 1, 1, 0, 0, 0, 1};
  const std::vector<float> thresholds{0.5F, 0.5F};
  const Predictions predictions{scores, labels, 5, 2, {}};
  const std::vector<Subgroup> groups{{"sex", "male", {1, 2, 4}}, {"sex", "female", {}}};
  const auto results = evaluate_subgroups(predictions, thresholds, groups, {0, 0, 0.95});
  const Metrics& metrics = results[0].metrics;
  EXPECT_EQ(metrics.records, 3);
  EXPECT_EQ(metrics.classes[0].support, 1);
  EXPECT_EQ(metrics.classes[0].auc, 1.0);  // 0.7 above 0.2 and 0.6
  EXPECT_EQ(metrics.classes[0].confusion.false_positives, 1);
  EXPECT_FALSE(metrics.classes[1].both_outcomes);  // all three are positive
  EXPECT_EQ(metrics.macro_classes, 1);
  EXPECT_EQ(results[1].metrics.records, 0);
  EXPECT_THROW(evaluate_subgroups(predictions, thresholds, {{"sex", "male", {5}}}), Error);
  EXPECT_THROW(evaluate_subgroups(predictions, thresholds, {{"sex", "male", {-1}}}), Error);
}

}  // namespace
}  // namespace cardiograd::evaluation
