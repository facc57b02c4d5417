#include "dsp/delineation/r_peaks.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "base/error.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();

// Every beat found within `tolerance`, and nothing else.
void expect_beats(const RPeaks& found, const std::vector<double>& beats, double tolerance, const std::string& what) {
  ASSERT_EQ(found.times_s.size(), beats.size()) << what << " " << found.reason;
  EXPECT_EQ(found.reason.empty(), !beats.empty()) << what;
  for (std::size_t i = 0; i < beats.size(); ++i) {
    EXPECT_TRUE(std::abs(found.times_s[i] - beats[i]) <= tolerance)
        << what << " " << found.times_s[i] << " " << beats[i];
  }
}

TEST(RPeaks, AnyRateAndLeadCount) {
  for (const double rate : {100.0, 128.0, 250.0, 257.0, 360.0, 500.0, 1000.0}) {
    for (const Eigen::Index leads : {1, 2, 3, 8, 12}) {
      const auto beats = regular_beats(10.0, 0.83);
      expect_beats(detect_r_peaks(synthetic_ecg(beats, 10.0, rate, leads), rate), beats, 0.006, std::to_string(rate));
    }
  }
}

TEST(RPeaks, SubSampleAt100Hz) {
  const auto beats = regular_beats(30.0, 0.8137);
  const RPeaks found = detect_r_peaks(synthetic_ecg(beats, 30.0, 100.0, 12), 100.0);
  ASSERT_EQ(found.times_s.size(), beats.size());
  double bias = 0.0;
  for (std::size_t i = 0; i < beats.size(); ++i) bias += found.times_s[i] - beats[i];
  bias /= static_cast<double>(beats.size());
  for (std::size_t i = 0; i < beats.size(); ++i) EXPECT_NEAR(found.times_s[i] - bias, beats[i], 0.0015);
}

TEST(RPeaks, ShortLongSlowAndFast) {
  for (const double seconds : {2.0, 2.5, 60.0, 3600.0}) {
    const auto beats = regular_beats(seconds, 0.75);
    expect_beats(detect_r_peaks(synthetic_ecg(beats, seconds, 100.0, 2), 100.0), beats, 0.006, std::to_string(seconds));
  }
  for (const double interval : {0.33, 0.5, 1.2, 2.0}) {
    const std::vector<SyntheticWave> narrow = {{0.0, 1.0, 0.011}, {0.028, -0.2, 0.010}, {0.17, 0.15, 0.03}};
    const auto beats = regular_beats(20.0, interval);
    expect_beats(detect_r_peaks(synthetic_ecg(beats, 20.0, 250.0, 12, 0.005, narrow), 250.0), beats, 0.006,
                 std::to_string(interval));
  }
}

TEST(RPeaks, IrregularRhythmWithPause) {
  std::vector<double> beats = {0.6, 1.3, 2.15, 2.6, 3.7, 4.3, 4.9, 8.1, 8.9, 9.4, 10.5, 11.2, 12.1, 12.6, 13.5};
  expect_beats(detect_r_peaks(synthetic_ecg(beats, 14.5, 500.0, 3), 500.0), beats, 0.006, "irregular");
}

TEST(RPeaks, TallTWavesAreNotBeats) {
  const std::vector<SyntheticWave> tall_t = {{-0.16, 0.2, 0.022}, {0.0, 1.0, 0.012}, {0.28, 1.1, 0.05}};
  const auto beats = regular_beats(10.0, 0.9);
  expect_beats(detect_r_peaks(synthetic_ecg(beats, 10.0, 250.0, 2, 0.005, tall_t), 250.0), beats, 0.006, "tall T");
}

TEST(RPeaks, ScaleOffsetAndSignChangeNothing) {
  const auto beats = regular_beats(10.0);
  const Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, 100.0, 3);
  const RPeaks reference = detect_r_peaks(x, 100.0);
  for (const double scale : {1e-6, 3.0, -1.0, 1e6}) {
    expect_beats(detect_r_peaks(x * scale + 17.0 * scale, 100.0), reference.times_s, 1e-6, std::to_string(scale));
  }
}

TEST(RPeaks, LeadOrderAndGainChangeNothing) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.77), 10.0, 250.0, 12, 0.05);
  const RPeaks reference = detect_r_peaks(x, 250.0);
  Eigen::ArrayXXd changed(x.rows(), 12);
  for (Eigen::Index l = 0; l < 12; ++l) changed.col(l) = x.col((5 * l + 3) % 12) * (1.0 + static_cast<double>(l * l));
  expect_beats(detect_r_peaks(changed, 250.0), reference.times_s, 1e-6, "leads");
}

TEST(RPeaks, TimeShiftMovesThem) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(20.0, 0.77), 20.0, 250.0, 3);
  const RPeaks all = detect_r_peaks(x, 250.0);
  const RPeaks later = detect_r_peaks(x.bottomRows(x.rows() - 250), 250.0);
  ASSERT_GT(later.times_s.size(), 20U);
  const std::size_t skipped = all.times_s.size() - later.times_s.size();
  for (std::size_t i = 0; i < later.times_s.size(); ++i) {
    EXPECT_NEAR(later.times_s[i] + 1.0, all.times_s[i + skipped], 0.001);
  }
}

TEST(RPeaks, BadLeadsDoNotSpoilTheGoodOnes) {
  const auto beats = regular_beats(10.0, 0.8);
  Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, 100.0, 5);
  PhiloxStream random(3);
  x.col(0).setConstant(0.25);
  x.col(1).setConstant(kNan);
  for (double& sample : x.col(2)) sample = 50.0 * random.normal();
  x.col(3) = x.col(3).min(0.5).max(-0.05);
  x.col(4).segment(300, 60).setConstant(kNan);
  expect_beats(detect_r_peaks(x, 100.0), beats, 0.01, "bad leads");
}

TEST(RPeaks, Int16ExtremesAndInfinities) {
  const auto beats = regular_beats(10.0, 0.8);
  Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, 100.0, 3) * 1000.0;
  x(405, 0) = 32767.0;
  x(406, 0) = -32768.0;
  x(10, 1) = std::numeric_limits<double>::infinity();
  expect_beats(detect_r_peaks(x, 100.0), beats, 0.01, "extremes");
}

TEST(RPeaks, LeadFailureHalfWay) {
  const auto beats = regular_beats(60.0, 0.8);
  Eigen::ArrayXXd x = synthetic_ecg(beats, 60.0, 250.0, 2);
  PhiloxStream random(3);
  for (Eigen::Index t = 7500; t < x.rows(); ++t) x(t, 0) = 3.0 * random.normal();
  const RPeaks found = detect_r_peaks(x, 250.0);
  std::size_t hits = 0;
  for (const double beat : beats) {
    hits +=
        std::any_of(found.times_s.begin(), found.times_s.end(), [&](double t) { return std::abs(t - beat) < 0.05; });
  }
  EXPECT_GE(hits + 1, beats.size());
  EXPECT_LE(found.times_s.size(), beats.size() + 1);
}

TEST(RPeaks, SaysWhyThereAreNone) {
  EXPECT_EQ(detect_r_peaks(Eigen::ArrayXXd(1000, 0), 100.0).reason, "no lead");
  EXPECT_EQ(detect_r_peaks(Eigen::ArrayXXd(0, 12), 100.0).reason, "shorter than one second");
  EXPECT_EQ(detect_r_peaks(Eigen::ArrayXXd::Zero(99, 12), 100.0).reason, "shorter than one second");
  EXPECT_EQ(detect_r_peaks(Eigen::ArrayXXd::Constant(1000, 12, 3.0), 100.0).reason, "all leads are flat or missing");
  EXPECT_EQ(detect_r_peaks(Eigen::ArrayXXd::Constant(1000, 2, kNan), 100.0).reason, "all leads are flat or missing");
  for (const double rate : {100.0, 500.0}) {
    for (const Eigen::Index leads : {1, 12}) {
      const RPeaks noise = detect_r_peaks(synthetic_ecg({}, 10.0, rate, leads, 0.1), rate);
      EXPECT_TRUE(noise.times_s.empty()) << leads;
      EXPECT_EQ(noise.reason, "nothing stands out of the noise");
    }
  }
}

TEST(RPeaks, OneBeat) {
  const std::vector<double> beats = {1.1};
  expect_beats(detect_r_peaks(synthetic_ecg(beats, 2.0, 100.0, 12), 100.0), beats, 0.01, "one beat");
}

TEST(RPeaks, ImpossibleRatesAreErrors) {
  const Eigen::ArrayXXd x = Eigen::ArrayXXd::Zero(1000, 1);
  for (const double rate : {0.0, -100.0, 49.0, kNan, std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW(detect_r_peaks(x, rate), Error);
  }
}

TEST(RPeaks, SayWhereNoLeadHasSamples) {
  Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0), 10.0, 250.0, 3);
  EXPECT_TRUE(detect_r_peaks(x, 250.0).gaps_s.empty());
  x.middleRows(1000, 250).setConstant(std::numeric_limits<double>::quiet_NaN());
  x.col(1).head(500).setConstant(std::numeric_limits<double>::quiet_NaN());
  const RPeaks found = detect_r_peaks(x, 250.0);
  ASSERT_EQ(found.gaps_s.size(), 1U);
  EXPECT_EQ(found.gaps_s[0].begin_s, 4.0);
  EXPECT_EQ(found.gaps_s[0].end_s, 5.0);
}

}  // namespace
}  // namespace cardiograd::dsp
