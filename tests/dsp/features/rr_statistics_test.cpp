#include "dsp/features/rr_statistics.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tests/dsp/golden.h"

namespace cardiograd::dsp {
namespace {

// Values computed from the definitions by an independent program.
TEST(RrStatistics, GoldenValues) {
  const RrStatistics s = rr_statistics({{812, 790, 805, 870, 798, 640, 1010, 805, 799}});
  EXPECT_NEAR(s.rr_mean_ms, 814.3333, 1e-4);
  EXPECT_EQ(s.rr_median_ms, 805.0);
  EXPECT_NEAR(s.rr_rmssd_ms, 163.570703, 1e-6);
  // The differences are -22, 15, 65, -72, -158, 370, -205, -6.
  EXPECT_EQ(s.rr_diff_min_ms, -205.0);
  EXPECT_EQ(s.rr_pnn60_pct, 62.5);
  EXPECT_NEAR(s.hr_mean_bpm, 74.590290, 1e-6);
  EXPECT_NEAR(s.hr_min_bpm, 59.405941, 1e-6);
  EXPECT_EQ(s.hr_max_bpm, 93.75);
  EXPECT_NEAR(s.hr_sd_bpm, 8.889948, 1e-6);
}

TEST(RrStatistics, EqualsNeuroKit2) {
  const auto golden = read_golden("measures");
  std::vector<double> beats_s;
  for (const double peak : golden.at("rr_peaks_ms")) beats_s.push_back(peak / 1000.0);
  const RrStatistics s = rr_statistics(rr_intervals_ms(beats_s));
  EXPECT_NEAR(s.rr_mean_ms, golden.at("rr_mean")[0], 1e-9);
  EXPECT_NEAR(s.rr_median_ms, golden.at("rr_median")[0], 1e-9);
  EXPECT_NEAR(s.rr_rmssd_ms, golden.at("rr_rmssd")[0], 1e-9);
}

TEST(RrStatistics, ExactlySixtyIsNotMore) {
  EXPECT_EQ(rr_statistics({{800, 860, 800}}).rr_pnn60_pct, 0.0);
  EXPECT_EQ(rr_statistics({{800, 861, 800}}).rr_pnn60_pct, 100.0);
}

TEST(RrStatistics, IntervalsOutsideTheLimitsEndARun) {
  const std::vector<double> beats = {0.0, 0.8, 0.95, 1.75, 2.65, 5.95, 6.85};
  const IntervalRuns runs = rr_intervals_ms(beats);  // 800 | 150 | 800 900 | 3300 | 900
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[1].size(), 2U);
  const RrStatistics s = rr_statistics(runs);
  EXPECT_NEAR(s.rr_mean_ms, 850.0, 1e-9);
  EXPECT_NEAR(s.rr_median_ms, 850.0, 1e-9);
  EXPECT_NEAR(s.rr_rmssd_ms, 100.0, 1e-9);
}

// Every beat that is detected counts at the fastest rates, not the few that follow later.
TEST(RrStatistics, ThreeHundredAMinuteCount) {
  std::vector<double> beats = {0.0};
  for (int i = 0; i < 50; ++i) beats.push_back(beats.back() + (i % 10 == 9 ? 0.26 : 0.195));
  const RrStatistics s = rr_statistics(rr_intervals_ms(beats));
  EXPECT_NEAR(s.hr_mean_bpm, 0.9 * 60.0 / 0.195 + 0.1 * 60.0 / 0.26, 1e-6);
}

TEST(RrStatistics, NoIntervalReachesAcrossAGap) {
  const std::vector<double> beats = {0.0, 0.8, 1.6, 3.2, 4.0, 4.9, 5.7};
  const auto runs = [&](const std::vector<Gap>& gaps_s) {
    std::vector<std::size_t> sizes;
    for (const auto& run : rr_intervals_ms(beats, gaps_s)) sizes.push_back(run.size());
    return sizes;
  };
  using Sizes = std::vector<std::size_t>;
  EXPECT_EQ(runs({}), (Sizes{6}));
  EXPECT_EQ(runs({{2.0, 3.0}}), (Sizes{2, 3}));
  EXPECT_EQ(runs({{2.0, 3.5}}), (Sizes{2, 2})) << "a beat within";
  EXPECT_EQ(runs({{2.0, 2.2}, {2.8, 3.0}, {4.2, 4.3}}), (Sizes{2, 1, 1}));
  EXPECT_EQ(runs({{-1.0, 0.0}, {5.7, 9.0}}), (Sizes{6})) << "before and after";
  EXPECT_EQ(runs({{-1.0, 9.0}}), (Sizes{}));
  const RrStatistics s = rr_statistics(rr_intervals_ms(beats, std::vector<Gap>{{2.0, 3.0}}));
  EXPECT_NEAR(s.hr_min_bpm, 60.0 / 0.9, 1e-9);
  EXPECT_NEAR(s.rr_rmssd_ms, 1000.0 * std::sqrt((0.0 + 0.01 + 0.01) / 3.0), 1e-6);
}

TEST(RrStatistics, TooFewAreMissing) {
  const RrStatistics none = rr_statistics(rr_intervals_ms(std::vector<double>{1.0}));
  for (const double value : {none.rr_mean_ms, none.rr_median_ms, none.rr_diff_min_ms, none.rr_pnn60_pct,
                             none.rr_rmssd_ms, none.hr_min_bpm, none.hr_max_bpm, none.hr_mean_bpm, none.hr_sd_bpm}) {
    EXPECT_TRUE(std::isnan(value));
  }
  const RrStatistics one = rr_statistics(rr_intervals_ms(std::vector<double>{1.0, 2.0}));
  EXPECT_NEAR(one.rr_mean_ms, 1000.0, 1e-9);
  EXPECT_NEAR(one.hr_mean_bpm, 60.0, 1e-9);
  for (const double value : {one.rr_diff_min_ms, one.rr_pnn60_pct, one.rr_rmssd_ms, one.hr_sd_bpm}) {
    EXPECT_TRUE(std::isnan(value));
  }
}

}  // namespace
}  // namespace cardiograd::dsp
