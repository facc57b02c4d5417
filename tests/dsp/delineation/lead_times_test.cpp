#include "dsp/delineation/lead_times.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "dsp/delineation/r_peaks.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

// A printed record: three leads after three others, all stored from time 0.
TEST(LeadTimes, LeadsOfOtherTimesHaveBeatsOfTheirOwn) {
  for (const double rate : {100.0, 500.0}) {
    for (const Eigen::Index together : {1, 3, 6}) {
      const double seconds = 10.0;
      const Eigen::Index leads = std::min<Eigen::Index>(12, 4 * together);
      Eigen::ArrayXXd x(static_cast<Eigen::Index>(seconds * rate), leads);
      std::vector<std::vector<double>> beats;
      for (Eigen::Index first = 0; first < leads; first += together) {
        const auto set = static_cast<double>(first / together);
        beats.push_back(regular_beats(seconds, 0.85 + 0.003 * set, 0.25 + 0.2 * set));
        x.middleCols(first, together) =
            synthetic_ecg(beats.back(), seconds, rate, 12, 0.01).middleCols(first, together);
      }
      const RPeaks found = detect_r_peaks(x, rate);
      std::vector<LeadsApart> sets = found.apart;
      std::vector<Eigen::Index> rest;
      for (Eigen::Index l = 0; l < leads; ++l) {
        if (std::none_of(sets.begin(), sets.end(), [&](const LeadsApart& set) {
              return std::find(set.leads.begin(), set.leads.end(), l) != set.leads.end();
            }))
          rest.push_back(l);
      }
      ASSERT_FALSE(sets.empty()) << rate << " " << together;
      sets.push_back({rest, found.times_s});
      for (const LeadsApart& set : sets) {
        for (const Eigen::Index lead : set.leads) {
          const std::vector<double>& own = beats[static_cast<std::size_t>(lead / together)];
          const auto near = [&](double t) {
            return std::any_of(own.begin(), own.end(), [&](double b) { return std::abs(b - t) < 0.1; });
          };
          const auto hits = std::count_if(set.times_s.begin(), set.times_s.end(), near);
          EXPECT_TRUE(hits + 2 >= static_cast<std::ptrdiff_t>(own.size()) && set.times_s.size() <= own.size() + 1)
              << rate << " " << together << " lead " << lead << ": " << hits << " of " << own.size();
        }
      }
    }
  }
  EXPECT_TRUE(detect_r_peaks(synthetic_ecg(regular_beats(10.0), 10.0, 250.0, 12, 0.02), 250.0).apart.empty());
}

// A lead in which the QRS complexes of two others cancel shows their T waves instead, at other times.
TEST(LeadTimes, CombinationsOfOtherLeadsAreOfTheirTime) {
  const std::vector<double> beats = regular_beats(10.0, 0.8, 0.5);
  for (const double rate : {100.0, 500.0}) {
    Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, rate, 12, 0.01);
    const std::vector<SyntheticWave> other = {{0.0, 1.0, 0.011}, {0.03, -0.3, 0.012}, {0.28, -0.4, 0.03}};
    x.col(1) = synthetic_ecg(beats, 10.0, rate, 12, 0.01, other).col(1);
    x.col(3) = 0.8 * x.col(0) - x.col(1);  // The gains of the two are 1 and 0.8.
    const std::vector<Eigen::Index> rest = {0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11};
    EXPECT_TRUE(is_combination(x, rate, 3, rest));
    EXPECT_FALSE(is_combination(x, rate, 3, {2, 4, 5, 6}));
    const RPeaks found = detect_r_peaks(x, rate);
    EXPECT_TRUE(found.apart.empty()) << rate;
    EXPECT_TRUE(found.times_s.size() >= beats.size() - 1) << rate;
    // The same lead from another time is no combination.
    const Eigen::ArrayXd moved = x.col(3);
    const auto by = static_cast<Eigen::Index>(0.3 * rate);
    x.col(3).tail(x.rows() - by) = moved.head(x.rows() - by);
    x.col(3).head(by) = moved.tail(by);
    EXPECT_FALSE(is_combination(x, rate, 3, rest)) << rate;
  }
}

TEST(LeadTimes, BeatsNearEachOtherAreOfOneTime) {
  const std::vector<double> beats = {1.0, 1.8, 2.6, 3.4, 4.2};
  std::vector<double> near = beats, far = beats;
  for (double& time : near) time += 0.05;
  for (double& time : far) time += 0.3;
  EXPECT_FALSE(at_other_times(near, beats));
  EXPECT_TRUE(at_other_times(far, beats));
  EXPECT_FALSE(at_other_times({}, beats));
  EXPECT_FALSE(at_other_times({11.0, 11.8, 12.6, 13.4}, beats));  // No time in common.
  EXPECT_FALSE(at_other_times({1.2, 1.4, 1.6, 2.0, 2.2, 2.4, 2.8, 3.0, 3.2, 3.7, 3.9, 4.1}, beats));  // No such rhythm.
}

}  // namespace
}  // namespace cardiograd::dsp
