#include "dsp/filters/gaps.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

Eigen::ArrayXd list(std::initializer_list<double> values) {
  Eigen::ArrayXd array(static_cast<Eigen::Index>(values.size()));
  Eigen::Index i = 0;
  for (const double value : values) array[i++] = value;
  return array;
}

TEST(Gaps, AreFilledLinearlyAndAtTheEndsByTheNearest) {
  Eigen::ArrayXd lead = list({kNan, 1.0, kNan, kNan, 4.0, -kInfinity, 6.0, kNan, kInfinity});
  EXPECT_EQ(fill_gaps(lead), 6);
  EXPECT_TRUE((lead == list({1.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 6.0, 6.0})).all()) << lead.transpose();
}

TEST(Gaps, WithoutGapsNothingChanges) {
  Eigen::ArrayXd lead = list({3.0, -1.0, 2.0});
  EXPECT_EQ(fill_gaps(lead), 0);
  EXPECT_TRUE((lead == list({3.0, -1.0, 2.0})).all());
}

TEST(Gaps, NothingButGapsBecomesZero) {
  Eigen::ArrayXd lead = list({kNan, kInfinity, kNan}), none(0);
  EXPECT_EQ(fill_gaps(lead), 3);
  EXPECT_TRUE((lead == 0.0).all());
  EXPECT_EQ(fill_gaps(none), 0);
}

TEST(Gaps, AColumnOfARecordingIsFilledInPlace) {
  Eigen::ArrayXXd signal = Eigen::ArrayXXd::Constant(4, 2, 1.0);
  signal(1, 1) = kNan;
  EXPECT_EQ(fill_gaps(signal.col(1)), 1);
  EXPECT_TRUE((signal == 1.0).all());
}

TEST(Gaps, RestoredWhereTheyWere) {
  Eigen::ArrayXXd from = Eigen::ArrayXXd::Zero(3, 2), to = Eigen::ArrayXXd::Constant(3, 2, 5.0);
  from(1, 0) = kNan;
  from(2, 1) = kInfinity;
  restore_gaps(from, to);
  for (Eigen::Index t = 0; t < 3; ++t) {
    for (Eigen::Index l = 0; l < 2; ++l) {
      const bool gap = (t == 1 && l == 0) || (t == 2 && l == 1);
      EXPECT_EQ(std::isnan(to(t, l)), gap) << t << " " << l;
      EXPECT_TRUE(gap || to(t, l) == 5.0);
    }
  }
}

TEST(CommonGaps, AreThoseOfAllLeadsAndLongEnough) {
  const double missing = std::numeric_limits<double>::quiet_NaN(), rate = 100.0;
  Eigen::ArrayXXd x = Eigen::ArrayXXd::Zero(1000, 2);
  x.col(0).segment(100, 300).setConstant(missing);
  x.col(1).segment(200, 100).setConstant(std::numeric_limits<double>::infinity());
  x.middleRows(600, 9).setConstant(missing);  // 90 ms
  x.middleRows(700, 10).setConstant(missing);
  x.bottomRows(20).setConstant(missing);
  const std::vector<Gap> gaps = common_gaps(x, rate);
  ASSERT_EQ(gaps.size(), 3U);
  EXPECT_EQ(gaps[0].begin_s, 2.0);
  EXPECT_EQ(gaps[0].end_s, 3.0);
  EXPECT_EQ(gaps[1].begin_s, 7.0);
  EXPECT_EQ(gaps[1].end_s, 7.1);
  EXPECT_EQ(gaps[2].begin_s, 9.8);
  EXPECT_EQ(gaps[2].end_s, 10.0);
  EXPECT_TRUE(common_gaps(Eigen::ArrayXXd::Zero(100, 1), rate).empty());
  EXPECT_EQ(common_gaps(Eigen::ArrayXXd(100, 0), rate).size(), 1U) << "no lead";
  EXPECT_TRUE(common_gaps(Eigen::ArrayXXd(0, 3), rate).empty());
}

// Of a lead that stands still while another moves, and of none where all rest.
TEST(Stops, AreMissingWhereAnotherLeadMoves) {
  constexpr double kRate = 10.0;
  Eigen::ArrayXXd x(100, 3);
  for (Eigen::Index t = 0; t < 100; ++t) {
    x(t, 0) = t < 60 ? std::sin(static_cast<double>(t)) : 4.0;  // Moves for 6 s.
    x(t, 1) = t < 25 ? 0.0 : std::cos(static_cast<double>(t));  // Zeros for 2.5 s,
    x(t, 2) = t < 70 ? static_cast<double>(t % 7) : 4.0;        // both of the others at rest for the last 3 s.
  }
  x.col(1).segment(40, 15).setConstant(1.0);  // Too short.
  x.col(1).tail(30).setConstant(-1.0);
  const auto found = without_stops(x, kRate);
  ASSERT_TRUE(found.has_value());
  EXPECT_TRUE(found->col(1).head(25).isNaN().all());
  EXPECT_TRUE((found->col(1).tail(75) == x.col(1).tail(75)).all());
  EXPECT_TRUE((found->col(0).head(60) == x.col(0).head(60)).all());
  EXPECT_TRUE(found->col(0).tail(40).isNaN().all());  // The third moved for a second of these four.
  EXPECT_TRUE((found->col(2) == x.col(2)).all());
  EXPECT_FALSE(without_stops(x.rightCols(1), kRate).has_value());
  // A gap is no movement.
  Eigen::ArrayXXd rest = Eigen::ArrayXXd::Ones(100, 2);
  rest.col(1).head(50).setConstant(std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(without_stops(rest, kRate).has_value());
}

}  // namespace
}  // namespace cardiograd::dsp
