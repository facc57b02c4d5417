#include "dsp/delineation/r_peak_selection.h"

#include <cmath>

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 100.0;

struct Peak {
  double at_s, height;
};

// Whether each of the peaks is a beat, at a QRS level of 1. Those of about the same height look `alike`, or none do.
std::vector<char> chosen(const std::vector<Peak>& peaks, bool alike = false) {
  std::vector<Candidate> candidates;
  candidates.reserve(peaks.size());
  for (const Peak& peak : peaks)
    candidates.push_back({static_cast<Eigen::Index>(std::lround(peak.at_s * kRate)), peak.height});
  const Alike same = [alike](const Candidate& a, const Candidate& b) {
    return alike && std::abs(a.height - b.height) < 0.2;
  };
  return select_beats(candidates, {Eigen::ArrayXd::Ones(1), 100000}, kRate, same).taken;
}

TEST(RPeakSelection, CandidatesAreMaximaFarEnoughApart) {
  Eigen::ArrayXd envelope = Eigen::ArrayXd::Zero(100);
  envelope[0] = 0.2;  // A maximum at the edge.
  envelope[20] = 1.0;
  envelope[28] = 0.9;  // Too near to a higher one.
  envelope[50] = 0.4;
  envelope[58] = 0.6;  // Higher than the one before.
  envelope[80] = 0.5;
  envelope[81] = 0.5;  // A plateau counts once.
  const std::vector<Candidate> found = find_candidates(envelope, 10);
  std::vector<Eigen::Index> at;
  at.reserve(found.size());
  for (const Candidate& candidate : found) at.push_back(candidate.at);
  EXPECT_EQ(at, (std::vector<Eigen::Index>{0, 20, 58, 80}));
  EXPECT_TRUE(find_candidates(Eigen::ArrayXd::Zero(100), 10).empty());
  EXPECT_EQ(find_candidates(Eigen::ArrayXd::Ones(1), 10).size(), 1U);
}

TEST(RPeakSelection, UsualIntervalsAreFree) {
  for (const double ratio : {0.71, 0.9, 1.0, 1.49}) EXPECT_EQ(interval_penalty(0.8 * ratio, 0.8), 0.0) << ratio;
  EXPECT_NEAR(interval_penalty(0.4, 0.8), kRPeak.short_interval_weight * std::log(0.7 / 0.5), 1e-12);
  EXPECT_NEAR(interval_penalty(1.6, 0.8), kRPeak.long_interval_weight * std::log(2.0 / 1.5), 1e-12);
  EXPECT_NEAR(interval_penalty(0.3, 0.35), kRPeak.min_interval_weight * std::log(0.36 / 0.3), 1e-12);
}

TEST(RPeakSelection, TWavesAreNoBeatsAndLowBeatsAre) {
  std::vector<Peak> peaks;
  std::vector<char> expected;
  for (int beat = 0; beat < 12; ++beat) {
    const double at = 0.5 + 0.8 * beat;
    peaks.push_back({at, beat == 5 ? 0.45 : 1.0});  // One beat is low,
    expected.push_back(1);
    peaks.push_back({at + 0.3, beat == 8 ? 0.48 : 0.2});  // one T wave is higher than it.
    expected.push_back(0);
  }
  EXPECT_EQ(chosen(peaks), expected);
}

TEST(RPeakSelection, PausesDoNotBreakTheChain) {
  const std::vector<Peak> pause = {{0.5, 1.0},  {1.3, 1.0},  {2.1, 1.0},  {2.9, 1.0},
                                   {12.0, 1.0}, {12.8, 1.0}, {13.6, 1.0}, {14.4, 1.0}};
  EXPECT_EQ(chosen(pause), std::vector<char>(pause.size(), 1));
  EXPECT_EQ(chosen({{0.5, 1.0}}), (std::vector<char>{1}));
  EXPECT_TRUE(select_beats({}, {Eigen::ArrayXd::Ones(1), 10}, kRate, {}).taken.empty());
}

// Runs at 190/min between beats at 70/min; T waves between both are none, whatever looks alike.
TEST(RPeakSelection, RunsAreEarlyOnce) {
  std::vector<Peak> peaks;
  std::vector<char> expected;
  double at = 0.5;
  for (int i = 0; i < 24; ++i) {
    const bool in_run = i % 6 == 1 || i % 6 == 2;
    peaks.push_back({at, in_run ? 0.9 : 1.0});
    expected.push_back(1);
    const double next = i % 6 == 0 ? 0.45 : i % 6 == 1 ? 0.316 : 0.857;
    if (next > 0.5) {
      peaks.push_back({at + 0.3, 0.1});
      expected.push_back(0);
    }
    at += next;
  }
  EXPECT_EQ(chosen(peaks, true), expected);
  EXPECT_NE(chosen(peaks, false), expected);
}

TEST(RPeakSelection, ThresholdsStayWithinTheirLimits) {
  std::vector<Candidate> candidates;
  for (Eigen::Index i = 0; i < 20; ++i) candidates.push_back({40 * i, i % 2 == 0 ? 2.0 : 1.8});
  const Selection selection = select_beats(candidates, {Eigen::Array2d(2.0, 2.0), 400}, kRate,
                                           [](const Candidate&, const Candidate&) { return true; });
  for (const double threshold : selection.thresholds) {
    EXPECT_TRUE(threshold >= 2.0 * kRPeak.min_threshold_fraction && threshold <= 2.0 * kRPeak.max_threshold_fraction)
        << threshold;
  }
}

}  // namespace
}  // namespace cardiograd::dsp
