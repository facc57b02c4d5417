#include "dsp/statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "base/philox.h"

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

// Against the sorted values: random ones, with many equal, ascending, descending, all equal, and half
// of them the smallest.
TEST(Statistics, OrderStatisticsOfManyValues) {
  PhiloxStream random(7);
  for (const std::size_t count : {1U, 2U, 16U, 17U, 18U, 19U, 40U, 200U, 685U, 5000U}) {
    for (const int kind : {0, 1, 2, 3, 4, 5}) {
      std::vector<double> values(count);
      for (std::size_t i = 0; i < count; ++i) {
        const double kinds[] = {random.normal(),
                                std::floor(random.uniform(0.0, 4.0)),
                                static_cast<double>(i),
                                -static_cast<double>(i),
                                1.0,
                                std::max(0.0, random.normal())};
        values[i] = kinds[kind];
      }
      std::vector<double> sorted = values;
      std::sort(sorted.begin(), sorted.end());
      for (const std::size_t rank : {std::size_t{0}, count / 4, count / 2, count - 1}) {
        std::vector<double> used = values;
        const OrderStatistic found = order_statistic(used, rank);
        ASSERT_EQ(found.at, sorted[rank]) << count << " " << kind << " " << rank;
        ASSERT_EQ(found.before, rank > 0 ? sorted[rank - 1] : -std::numeric_limits<double>::infinity())
            << count << " " << kind << " " << rank;
      }
      EXPECT_EQ(median(values), count % 2 == 1 ? sorted[count / 2] : 0.5 * (sorted[count / 2] + sorted[count / 2 - 1]));
    }
  }
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
