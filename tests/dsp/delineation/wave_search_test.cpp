#include "dsp/delineation/wave_search.h"

#include <cmath>

#include <gtest/gtest.h>

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;

Eigen::ArrayXd gaussian(Eigen::Index length, double center, double sigma, double height = 1.0) {
  Eigen::ArrayXd x(length);
  for (Eigen::Index t = 0; t < length; ++t) {
    const double u = (static_cast<double>(t) - center) / sigma;
    x[t] = height * std::exp(-0.5 * u * u);
  }
  return x;
}

TEST(WaveSearch, SlopeOfALineIsItsSlope) {
  const Eigen::ArrayXd line = Eigen::ArrayXd::LinSpaced(101, 0.0, 10.0);  // 0.1 per sample.
  for (const Eigen::Index width : {1, 2, 7}) {
    const Eigen::ArrayXd slope = box_slope(line, width, kRate);
    ASSERT_EQ(slope.size(), line.size());
    EXPECT_TRUE((slope.segment(width, 101 - 2 * width) - 0.1 * kRate).abs().maxCoeff() <= 1e-9) << width;
    EXPECT_TRUE((slope.head(width) == 0.0).all() && (slope.tail(width) == 0.0).all()) << width;
  }
  EXPECT_TRUE((box_slope(line.head(4), 2, kRate) == 0.0).all());  // Too short for two boxes.
}

TEST(WaveSearch, SlopeEqualsTheDifferenceOfMeans) {
  const Eigen::ArrayXd x = Eigen::ArrayXd::Random(60);
  const Eigen::ArrayXd slope = box_slope(x, 5, kRate);
  for (Eigen::Index t = 5; t < 55; ++t) {
    const double expected = (x.segment(t + 1, 5).mean() - x.segment(t - 5, 5).mean()) / (6.0 / kRate);
    EXPECT_NEAR(slope[t], expected, 1e-9) << t;
  }
}

TEST(WaveSearch, ExtentGoesOverShortPausesOnly) {
  Eigen::ArrayXd activity = Eigen::ArrayXd::Zero(60);
  activity.segment(20, 5) = 1.0;
  activity.segment(28, 4) = 0.5;  // After a pause of 3.
  activity.segment(40, 4) = 0.5;  // After a pause of 8.
  ExtentSearch search{.threshold = 0.2, .gap = 4, .from = 15, .to = 35, .lowest = 5, .highest = 55};
  Extent extent = active_extent(activity, search);
  EXPECT_EQ(extent.onset, 20.0);
  EXPECT_EQ(extent.offset, 31.0);
  search.gap = 9;
  EXPECT_EQ(active_extent(activity, search).offset, 43.0);
  search.highest = 41;
  EXPECT_EQ(active_extent(activity, search).offset, 41.0);
  search.from = search.lowest = 22;
  EXPECT_EQ(active_extent(activity, search).onset, 22.0);
  search.threshold = 0.6;  // The smaller stretches are below the threshold.
  EXPECT_EQ(active_extent(activity, search).offset, 24.0);
}

TEST(WaveSearch, HumpsAreTurnsWithSignAndStrength) {
  const Eigen::ArrayXd x = gaussian(400, 150.0, 15.0) + gaussian(400, 260.0, 15.0, -0.5);
  const Eigen::ArrayXd slope = box_slope(x, 6, kRate);
  const std::vector<Hump> found = humps(slope, 60, 340);
  // Up, down, up again: a hump of either sign (the two falling flanks are one stretch).
  std::vector<Hump> strong;
  for (const Hump& hump : found) {
    if (std::abs(hump.strength) > 5.0) strong.push_back(hump);
  }
  ASSERT_EQ(strong.size(), 2U);
  EXPECT_GT(strong[0].strength, 0.0);
  EXPECT_LT(strong[1].strength, 0.0);
  EXPECT_NEAR(strong[0].middle(), 150.0, 2.0);
  EXPECT_NEAR(static_cast<double>(strong[0].before), 135.0, 2.0);  // One sigma: the steepest place.
  EXPECT_NEAR(strong[0].strength, kRate * std::exp(-0.5) / 15.0, 1.5);
  EXPECT_NEAR(static_cast<double>(strong[1].after), 275.0, 2.0);
  EXPECT_TRUE(humps(Eigen::ArrayXd::Zero(50), 0, 49).empty());
  EXPECT_TRUE(humps(Eigen::ArrayXd::Ones(50), 0, 49).empty());  // One flank turns nowhere.
}

TEST(WaveSearch, LevelStretchesBetweenWavesAreNotRound) {
  const auto roundest = [](const Eigen::ArrayXd& x, double middle) {
    double most = 0.0;
    for (const Hump& hump : humps(box_slope(x, 6, kRate), 10, 390)) {
      if (std::abs(hump.middle() - middle) < 12.0) most = std::max(most, hump.roundness);
    }
    return most;
  };
  EXPECT_NEAR(roundest(gaussian(400, 200.0, 15.0), 200.0), 2.0 * (1.0 - std::exp(-0.5)) / (2.0 * std::exp(-0.5)), 0.02);
  EXPECT_LT(roundest(gaussian(400, 100.0, 15.0) + gaussian(400, 300.0, 15.0), 200.0), 0.25);
  EXPECT_LT(roundest(gaussian(400, 130.0, 15.0) + gaussian(400, 260.0, 10.0, 0.3), 200.0), 0.4);
  const auto turning = [](const Eigen::ArrayXd& x, double middle) {
    for (const Hump& hump : humps(box_slope(x, 6, kRate), 10, 390)) {
      if (std::abs(hump.middle() - middle) < 12.0 && std::abs(hump.strength) > 1.0) return hump.turning;
    }
    return 0.0;
  };
  EXPECT_NEAR(turning(gaussian(400, 200.0, 15.0), 200.0), 0.75, 0.04);
  EXPECT_LT(turning(gaussian(400, 100.0, 15.0) + gaussian(400, 300.0, 15.0), 200.0), 0.4);
}

// A trapezoid's corners are where it leaves the line.
TEST(WaveSearch, BoundariesAreCorners) {
  Eigen::ArrayXd x = Eigen::ArrayXd::Zero(300);
  for (Eigen::Index t = 100; t < 200; ++t) {
    x[t] = std::min({1.0, static_cast<double>(t - 100) / 30.0, static_cast<double>(200 - t) / 30.0});
  }
  for (const double sign : {1.0, -1.0}) {
    const Eigen::ArrayXd signal = sign * x;
    const std::vector<Hump> found = {{115, 185, sign * 16.0, 1.0, 1.0}};
    const FoundWave wave =
        outline(signal, found, {0, 0, 0},
                {.lowest = 40, .highest = 260, .reach_before = 60, .reach_after = 60, .symmetry = 3.0});
    EXPECT_NEAR(wave.onset, 100.0, 1.0) << sign;
    EXPECT_NEAR(wave.offset, 200.0, 1.0) << sign;
    EXPECT_TRUE(wave.peak >= 130.0 && wave.peak <= 170.0) << sign;
    EXPECT_EQ(wave.strength, 16.0);
  }
}

TEST(WaveSearch, LimitsHold) {
  const Eigen::ArrayXd x = gaussian(400, 200.0, 30.0);
  const std::vector<Hump> found = humps(box_slope(x, 6, kRate), 60, 340);
  ASSERT_EQ(found.size(), 1U);
  OutlineLimits limits{.lowest = 0, .highest = 399, .reach_before = 150, .reach_after = 150, .symmetry = 10.0};
  const FoundWave wide = outline(x, found, {0, 0, 0}, limits);
  EXPECT_TRUE(wide.onset > 100.0 && wide.onset < 150.0 && wide.offset > 250.0 && wide.offset < 300.0);
  limits.lowest = 150;
  EXPECT_GE(outline(x, found, {0, 0, 0}, limits).onset, 150.0);
  limits.highest = 245;
  EXPECT_LE(outline(x, found, {0, 0, 0}, limits).offset, 245.0);
  limits = {.lowest = 0, .highest = 399, .reach_before = 10, .reach_after = 12, .symmetry = 10.0};
  EXPECT_GE(outline(x, found, {0, 0, 0}, limits).onset, static_cast<double>(found[0].before - 10));
  limits = {.lowest = 0, .highest = 399, .reach_before = 10, .reach_after = 150, .symmetry = 0.0};
  const double after = outline(x, found, {0, 0, 0}, limits).offset - static_cast<double>(found[0].after);
  EXPECT_TRUE(after > 0.0 && after <= 50.0) << after;  // A third of the reach stays.
}

// A rising ST segment before T: with the reach of all waves the onset is somewhere along it, with that of its own where
// T leaves it.
TEST(WaveSearch, OnsetIsNotOnTheSlopeBefore) {
  const Eigen::ArrayXd time = Eigen::ArrayXd::LinSpaced(400, 0.0, 399.0);
  const Eigen::ArrayXd x = gaussian(400, 250.0, 25.0) + 0.002 * (time - 60.0).max(0.0).min(190.0);
  const std::vector<Hump> found = humps(box_slope(x, 6, kRate), 60, 390);
  ASSERT_EQ(found.size(), 1U);
  OutlineLimits limits{.lowest = 0, .highest = 399, .reach_before = 150, .reach_after = 60, .symmetry = 1.45};
  const double along = outline(x, found, {0, 0, 0}, limits).onset;
  EXPECT_LT(along, 180.0);
  limits.own_reach_before = true;
  EXPECT_NEAR(outline(x, found, {0, 0, 0}, limits).onset, 195.0, 8.0);  // 2.2 sigma before the middle.
  // Of a narrow hump a third of the reach stays, and no more than the reach is looked at.
  limits.symmetry = 0.0;
  const double least = static_cast<double>(found[0].before) - outline(x, found, {0, 0, 0}, limits).onset;
  EXPECT_TRUE(least > 0.0 && least <= 50.0) << least;
  limits.symmetry = 100.0;
  EXPECT_EQ(outline(x, found, {0, 0, 0}, limits).onset, along);
}

TEST(WaveSearch, TwoPhasesAreOneWave) {
  const Eigen::ArrayXd x = gaussian(400, 150.0, 15.0, -1.0) + gaussian(400, 210.0, 15.0, 1.0);
  std::vector<Hump> found = humps(box_slope(x, 6, kRate), 60, 340);
  std::erase_if(found, [](const Hump& hump) { return std::abs(hump.strength) < 5.0; });
  ASSERT_EQ(found.size(), 2U);
  const FoundWave wave = outline(x, found, {0, 1, 1},
                                 {.lowest = 0, .highest = 399, .reach_before = 60, .reach_after = 60, .symmetry = 3.0});
  EXPECT_TRUE(wave.onset > 100.0 && wave.onset < 130.0) << wave.onset;
  EXPECT_NEAR(wave.peak, 210.0, 2.0);  // Of the main hump.
  EXPECT_TRUE(wave.offset > 230.0 && wave.offset < 260.0) << wave.offset;
}

}  // namespace
}  // namespace cardiograd::dsp
