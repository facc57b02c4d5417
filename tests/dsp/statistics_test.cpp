#include "dsp/statistics.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cardiograd::dsp {
namespace {

TEST(Statistics, MeanAndSampleSd) {
  const std::vector<double> values = {2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0};
  EXPECT_DOUBLE_EQ(mean(values), 5.0);
  EXPECT_DOUBLE_EQ(sample_sd(values), std::sqrt(32.0 / 7.0));
  EXPECT_TRUE(std::isnan(mean({})));
  EXPECT_TRUE(std::isnan(sample_sd(std::vector<double>{1.0})));
}

TEST(Statistics, MedianOfOddAndEvenCounts) {
  EXPECT_EQ(median({3.0, 1.0, 2.0}), 2.0);
  EXPECT_EQ(median({4.0, 1.0, 3.0, 2.0}), 2.5);
  EXPECT_EQ(median({7.0}), 7.0);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(Statistics, LowerQuantileIsAValueOfTheList) {
  const std::vector<double> values = {5.0, 1.0, 4.0, 2.0, 3.0};
  EXPECT_EQ(lower_quantile(values, 0.0), 1.0);
  EXPECT_EQ(lower_quantile(values, 0.25), 2.0);
  EXPECT_EQ(lower_quantile(values, 0.49), 2.0);
  EXPECT_EQ(lower_quantile(values, 0.5), 3.0);
  EXPECT_EQ(lower_quantile(values, 1.0), 5.0);
  EXPECT_TRUE(std::isnan(lower_quantile({}, 0.5)));
}

TEST(Statistics, WeightedMedian) {
  EXPECT_EQ(weighted_median({{1.0, 1.0}, {2.0, 1.0}, {3.0, 1.0}}), 2.0);
  EXPECT_EQ(weighted_median({{1.0, 1.0}, {2.0, 1.0}}), 1.5);  // Half the weight lies between them.
  EXPECT_EQ(weighted_median({{3.0, 10.0}, {1.0, 1.0}, {2.0, 1.0}}), 3.0);
  EXPECT_EQ(weighted_median({{3.0, 0.0}, {1.0, 0.0}}), 2.0);  // Without weights the first two in order.
  EXPECT_TRUE(std::isnan(weighted_median({})));
}

}  // namespace
}  // namespace cardiograd::dsp
