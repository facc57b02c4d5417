#include "dsp/features/beat_features.h"

#include <cmath>
#include <limits>
#include <numbers>

#include <gtest/gtest.h>

#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

constexpr double kRate = 500.0;
const double kNan = std::numeric_limits<double>::quiet_NaN();

// `count` beats a second apart, the first at 1 s, with the same waves in each of `leads` leads; T ends `t_end` seconds
// behind R.
Delineation waves_at(std::size_t count, std::size_t leads, double t_end = 0.38) {
  Delineation waves;
  for (std::size_t b = 0; b < count; ++b) {
    const double r = 1.0 + static_cast<double>(b);
    waves.global.push_back({{r - 0.2, r - 0.16, r - 0.11}, {r - 0.05, r, r + 0.05}, {r + 0.2, r + 0.26, r + t_end}});
  }
  waves.leads.assign(leads, waves.global);
  return waves;
}

// A triangle of 1 mV from 20 ms before to 20 ms after the R peak.
WorkingSignal triangles(std::size_t count, double height) {
  Eigen::ArrayXXd x = Eigen::ArrayXXd::Zero(static_cast<Eigen::Index>((static_cast<double>(count) + 1.0) * kRate), 1);
  for (std::size_t b = 0; b < count; ++b) {
    const auto r = static_cast<Eigen::Index>((1.0 + static_cast<double>(b)) * kRate);
    for (Eigen::Index t = -10; t <= 10; ++t) x(r + t, 0) = height * (1.0 - std::abs(static_cast<double>(t)) / 10.0);
  }
  return unfiltered(x, kRate);
}

TEST(BeatFeatures, AmplitudeAreaAndSlopeOfATriangle) {
  for (const double height : {1.0, -2.0}) {
    const LeadFeatures features = lead_features(triangles(3, height), waves_at(3, 1), 0);
    ASSERT_EQ(features.qrs_amplitude.size(), 3U);
    for (std::size_t b = 0; b < 3; ++b) {
      EXPECT_NEAR(features.qrs_amplitude[b], std::abs(height), 1e-9);
      EXPECT_NEAR(features.qrs_area[b], std::abs(height) * 20.0, 1e-6);  // mV ms: half of 40 ms.
      // Five-point derivative across the tip's kink overshoots the flank's 1 mV / 20 ms by a sixth.
      EXPECT_NEAR(features.qrs_slope[b], std::abs(height) * 50.0 * 7.0 / 6.0, 0.1);
    }
  }
}

TEST(BeatFeatures, TAmplitudeIsSignedAndFromTheLevelAtQrsOnset) {
  for (const double height : {0.3, -0.4}) {
    WorkingSignal signal = triangles(2, 1.0);
    signal.samples += 5.0;
    for (const double r : {1.0, 2.0}) {
      for (Eigen::Index t = -25; t <= 25; ++t) {
        signal.samples(static_cast<Eigen::Index>((r + 0.28) * kRate) + t, 0) +=
            height * std::cos(std::numbers::pi / 2.0 * static_cast<double>(t) / 25.0);
      }
    }
    const LeadFeatures features = lead_features(signal, waves_at(2, 1), 0);
    for (const double amplitude : features.t_amplitude) EXPECT_NEAR(amplitude, height, 1e-6);
  }
}

TEST(BeatFeatures, AbsentWavesHaveNoValues) {
  Delineation waves = waves_at(4, 1);
  waves.leads[0][0].p = {};
  waves.leads[0][1].t = {};
  waves.leads[0][2].qrs = {};
  WorkingSignal signal = unfiltered(synthetic_ecg({}, 6.0, kRate, 1, 0.1), kRate);
  const LeadFeatures features = lead_features(signal, waves, 0);
  EXPECT_EQ(features.qrs_amplitude.size(), 3U);
  EXPECT_EQ(features.t_amplitude.size(), 2U);     // Without QRS there is no level.
  EXPECT_EQ(features.p_correlations.size(), 3U);  // Pairs of three.
  EXPECT_TRUE(lead_features(signal, waves_at(0, 1), 0).qrs_amplitude.empty());
}

TEST(BeatFeatures, PWavesCorrelateWithThemselvesAndNotWithNoise) {
  const auto beats = regular_beats(9.0, 1.0, 1.0);
  const WorkingSignal alike = unfiltered(synthetic_ecg(beats, 9.5, kRate, 1, 0.0005), kRate);
  for (const double r : lead_features(alike, waves_at(beats.size(), 1), 0).p_correlations) EXPECT_GT(r, 0.99);
  const WorkingSignal noise = unfiltered(synthetic_ecg({}, 9.5, kRate, 1, 0.1), kRate);
  const LeadFeatures features = lead_features(noise, waves_at(8, 1), 0);
  double sum = 0.0;
  for (const double r : features.p_correlations) sum += r;
  EXPECT_LT(std::abs(sum / static_cast<double>(features.p_correlations.size())), 0.2);
  const WorkingSignal flat = unfiltered(Eigen::ArrayXXd::Zero(5000, 1), kRate);
  EXPECT_TRUE(lead_features(flat, waves_at(8, 1), 0).p_correlations.empty());
}

TEST(BeatFeatures, IntervalsOutsideTheLimitsAreLeftOut) {
  Delineation waves = waves_at(4, 0);
  for (const double duration : qrs_durations_ms(waves)) EXPECT_NEAR(duration, 100.0, 1e-9);
  for (const double qt : qt_intervals_ms(waves)) EXPECT_NEAR(qt, 430.0, 1e-9);
  waves.global[0].t.offset_s = waves.global[0].qrs.onset_s + 0.199;
  waves.global[1].t.offset_s = waves.global[1].qrs.onset_s + 0.701;
  waves.global[2].qrs.onset_s = kNan;
  EXPECT_EQ(qt_intervals_ms(waves).size(), 1U);
  EXPECT_EQ(qrs_durations_ms(waves).size(), 3U);
}

TEST(BeatFeatures, MeasuringLeadIsThePreferredOrTheLargest) {
  const auto beats = regular_beats(5.0, 1.0, 1.0);
  const WorkingSignal signal = unfiltered(synthetic_ecg(beats, 5.5, kRate, 4, 0.0), kRate);  // Gains 1, 0.8, -0.6, 1.2.
  Delineation waves = waves_at(beats.size(), 4);
  EXPECT_EQ(measuring_lead(signal, waves, 1), 1U);
  EXPECT_EQ(measuring_lead(signal, waves, std::nullopt), 3U);
  for (BeatWaves& beat : waves.leads[1]) beat.qrs = {};
  EXPECT_EQ(measuring_lead(signal, waves, 1), 3U);
  for (auto& lead : waves.leads) {
    for (BeatWaves& beat : lead) beat.qrs = {};
  }
  EXPECT_FALSE(measuring_lead(signal, waves, 1).has_value());
}

// T waves of 0.3 and 0.4 mV in turn.
TEST(BeatFeatures, AlternansIsTheDifferenceOfOddAndEvenBeats) {
  std::vector<double> odd, even;
  for (int b = 0; b < 12; ++b) (b % 2 == 1 ? odd : even).push_back(1.0 + b);
  std::vector<SyntheticWave> taller = kSinusBeat;
  taller[4].amplitude = 0.4;
  const Eigen::ArrayXXd x = synthetic_ecg(even, 14.0, kRate, 2, 0.0) + synthetic_ecg(odd, 14.0, kRate, 2, 0.0, taller);
  const std::vector<std::size_t> both = {0, 1}, first = {0};
  const Delineation waves = waves_at(12, 2);
  EXPECT_NEAR(t_alternans(unfiltered(x, kRate), waves, first), 0.1, 0.002);
  EXPECT_NEAR(t_alternans(unfiltered(x, kRate), waves, both), 0.09, 0.002);  // Median of 0.1 and 0.8 * 0.1.
  EXPECT_NEAR(
      t_alternans(unfiltered(synthetic_ecg(even, 14.0, kRate, 1, 0.0) + synthetic_ecg(odd, 14.0, kRate, 1, 0.0), kRate),
                  waves, first),
      0.0, 1e-9);
  EXPECT_TRUE(std::isnan(t_alternans(unfiltered(x, kRate), waves_at(8, 2), first)));  // Seven intervals: too few.
  EXPECT_TRUE(std::isnan(t_alternans(unfiltered(x, kRate), waves_at(0, 2), first)));
  EXPECT_TRUE(std::isnan(t_alternans(unfiltered(x, kRate), waves, {})));
}

// From R - 60 ms to R + 280 ms are 85 steps of 250 Hz; the difference of the two times is by rounding more or less.
TEST(BeatFeatures, AlternansTakesTheSamePointsOfEveryBeat) {
  const std::vector<std::size_t> first = {0};
  for (const double from : {0.0, 100.0}) {
    Eigen::ArrayXXd x = Eigen::ArrayXXd::Zero(static_cast<Eigen::Index>((from + 14.0) * kRate), 1);
    Delineation waves = waves_at(static_cast<std::size_t>(from) + 12, 1, 0.28);
    for (std::size_t b = 0; b < waves.global.size(); ++b) {
      const auto end = static_cast<Eigen::Index>((1.0 + static_cast<double>(b)) * kRate) + 140;
      x.block(end - 1, 0, 3, 1) = b % 2 == 1 ? 0.5 : 0.2;  // Seen at the last point alone.
    }
    EXPECT_NEAR(t_alternans(unfiltered(x, kRate), waves, first), 0.3, 1e-9);
  }
}

}  // namespace
}  // namespace cardiograd::dsp
