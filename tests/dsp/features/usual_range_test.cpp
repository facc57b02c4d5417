#include "dsp/features/usual_range.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "dsp/features/features.h"

namespace cardiograd::dsp {
namespace {

TEST(UsualRange, IsOfColumnsThatThereAre) {
  int found = 0;
  for (const FeatureColumn& column : feature_columns())
    if (const auto range = usual_range(column.name)) {
      EXPECT_LT(range->low, range->high) << column.name;
      ++found;
    }
  EXPECT_EQ(found, 7);
  EXPECT_FALSE(usual_range("age_years"));
  EXPECT_FALSE(usual_range(""));
}

TEST(UsualRange, OfTheQrsDurationEndsAt110Milliseconds) {
  ASSERT_TRUE(usual_range("qrs_duration_mean_ms"));
  EXPECT_EQ(usual_range("qrs_duration_mean_ms")->high, 110);
}

}  // namespace
}  // namespace cardiograd::dsp
