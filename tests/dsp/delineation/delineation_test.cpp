#include "dsp/delineation/delineation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "dsp/delineation/r_peaks.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

const double kNan = std::numeric_limits<double>::quiet_NaN();
const std::vector<SyntheticWave> kNoP(kSinusBeat.begin() + 1, kSinusBeat.end());

Delineation delineated(const Eigen::ArrayXXd& x, double rate) {
  return delineate(x, rate, detect_r_peaks(x, rate).times_s);
}

void expect_ordered(const Wave& wave, double seconds) {
  if (!wave.present()) {
    EXPECT_TRUE(std::isnan(wave.onset_s) && std::isnan(wave.offset_s));
    return;
  }
  EXPECT_TRUE(0.0 <= wave.onset_s && wave.onset_s <= wave.peak_s && wave.peak_s <= wave.offset_s &&
              wave.offset_s <= seconds)
      << wave.onset_s << " " << wave.peak_s << " " << wave.offset_s;
}

// The waves are Gaussians: their boundaries lie between 2 and 3.5 sigma.
TEST(Delineation, BoundariesOfKnownWaves) {
  for (const double rate : {100.0, 250.0, 257.0, 500.0, 1000.0}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      const Delineation found = delineated(synthetic_ecg(regular_beats(10.0, 0.9), 10.0, rate, leads), rate);
      ASSERT_EQ(found.leads.size(), static_cast<std::size_t>(leads));
      ASSERT_EQ(found.global.size(), 11U) << rate;
      for (std::size_t beat = 1; beat + 1 < found.global.size(); ++beat) {
        for (std::size_t l = 0; l <= found.leads.size(); ++l) {
          const BeatWaves& waves = l == found.leads.size() ? found.global[beat] : found.leads[l][beat];
          const double r = 0.5 + 0.9 * static_cast<double>(beat);
          ASSERT_TRUE(waves.p.present() && waves.qrs.present() && waves.t.present()) << rate << " " << beat;
          EXPECT_NEAR(waves.p.onset_s, r - 0.16 - 0.060, 0.020);
          EXPECT_NEAR(waves.p.peak_s, r - 0.16, 0.008);
          EXPECT_NEAR(waves.p.offset_s, r - 0.16 + 0.052, 0.016);
          EXPECT_NEAR(waves.qrs.onset_s, r - 0.052, 0.018);
          EXPECT_NEAR(waves.qrs.peak_s, r, 0.008);
          EXPECT_NEAR(waves.qrs.offset_s, r + 0.057, 0.018);
          EXPECT_NEAR(waves.t.onset_s, r + 0.28 - 0.105, 0.025);
          EXPECT_NEAR(waves.t.peak_s, r + 0.28, 0.010);
          EXPECT_NEAR(waves.t.offset_s, r + 0.28 + 0.105, 0.025);
        }
      }
    }
  }
}

TEST(Delineation, AbsentPIsAResult) {
  // Irregular, without P, over a fibrillating baseline.
  std::vector<double> beats = {0.6};
  PhiloxStream random(11);
  while (beats.back() < 18.5) beats.push_back(beats.back() + random.uniform(0.55, 1.1));
  Eigen::ArrayXXd x = synthetic_ecg(beats, 20.0, 250.0, 3, 0.005, kNoP);
  for (Eigen::Index l = 0; l < 3; ++l) {
    for (Eigen::Index t = 0; t < x.rows(); ++t) {
      x(t, l) += 0.04 * std::sin(2.0 * 3.14159265 * 6.3 * static_cast<double>(t) / 250.0 + static_cast<double>(l));
    }
  }
  const Delineation found = delineated(x, 250.0);
  ASSERT_GT(found.global.size(), 18U);
  std::size_t p_waves = 0;
  for (const BeatWaves& waves : found.global) {
    p_waves += waves.p.present() ? 1U : 0U;
    EXPECT_TRUE(waves.qrs.present());
  }
  EXPECT_EQ(p_waves, 0U);
}

// First-degree AV block: P stands far before the QRS complex, but after the T wave of the beat before.
TEST(Delineation, LongPrIntervals) {
  for (const double pr : {0.24, 0.33, 0.42}) {
    std::vector<SyntheticWave> waves = kSinusBeat;
    waves[0].delay_s = -pr;
    for (const Eigen::Index leads : {1, 2, 12}) {
      const Delineation found =
          delineated(synthetic_ecg(regular_beats(12.0, 1.1, 0.8), 12.0, 250.0, leads, 0.005, waves), 250.0);
      ASSERT_EQ(found.global.size(), 10U);
      for (std::size_t beat = 0; beat < found.global.size(); ++beat) {
        const double r = 0.8 + 1.1 * static_cast<double>(beat);
        EXPECT_NEAR(found.global[beat].p.peak_s, r - pr, 0.010) << leads;
        EXPECT_NEAR(found.global[beat].t.peak_s, r + 0.28, 0.012) << leads;
      }
    }
  }
}

// Where the P waves of some beats lie elsewhere, those of the others are found nevertheless.
TEST(Delineation, SomeBeatsWithAnotherPr) {
  std::vector<double> usual, other;
  for (std::size_t i = 0; i < 12; ++i) (i < 7 ? usual : other).push_back(0.8 + 1.1 * static_cast<double>(i));
  std::vector<SyntheticWave> early = kSinusBeat;
  early[0].delay_s = -0.34;
  const Eigen::ArrayXXd x = synthetic_ecg(usual, 14.0, 250.0, 2) + synthetic_ecg(other, 14.0, 250.0, 2, 0.0, early);
  const Delineation found = delineated(x, 250.0);
  ASSERT_EQ(found.global.size(), 12U);
  for (std::size_t beat = 0; beat < 7; ++beat) {
    EXPECT_NEAR(found.global[beat].p.peak_s, 0.8 + 1.1 * static_cast<double>(beat) - 0.16, 0.010);
  }
}

// A T wave that falls below the line and rises above it ends where the second phase ends.
TEST(Delineation, BiphasicTEndsWithItsSecondPhase) {
  std::vector<SyntheticWave> waves(kSinusBeat.begin(), kSinusBeat.end() - 1);
  waves.push_back({0.20, -0.15, 0.035});
  waves.push_back({0.31, 0.18, 0.035});
  for (const Eigen::Index leads : {1, 2, 12}) {
    const Delineation found =
        delineated(synthetic_ecg(regular_beats(10.0, 0.65), 10.0, 500.0, leads, 0.003, waves), 500.0);
    for (std::size_t beat = 1; beat + 1 < found.global.size(); ++beat) {
      const double r = 0.5 + 0.65 * static_cast<double>(beat);
      EXPECT_NEAR(found.global[beat].t.offset_s, r + 0.31 + 0.085, 0.025) << leads;
    }
  }
}

// The second earliest onset and second latest end of many leads, the earliest and latest of a few.
TEST(Delineation, GlobalBoundariesAreThoseOfTheLeads) {
  for (const Eigen::Index leads : {3, 4, 12}) {
    const Delineation found = delineated(synthetic_ecg(regular_beats(10.0, 0.9), 10.0, 500.0, leads, 0.02), 500.0);
    const std::size_t which = leads >= 4 ? 1 : 0;
    for (std::size_t beat = 1; beat + 1 < found.global.size(); ++beat) {
      for (const auto wave : {&BeatWaves::p, &BeatWaves::t}) {
        std::vector<double> onsets, offsets;
        for (const auto& lead : found.leads) {
          onsets.push_back((lead[beat].*wave).onset_s);
          offsets.push_back(-(lead[beat].*wave).offset_s);
        }
        std::sort(onsets.begin(), onsets.end());
        std::sort(offsets.begin(), offsets.end());
        EXPECT_EQ((found.global[beat].*wave).onset_s, onsets[which]) << leads;
        EXPECT_EQ((found.global[beat].*wave).offset_s, -offsets[which]) << leads;
      }
    }
  }
}

// Of three leads, which keep their own T, one ends 90 ms later: it is left out.
TEST(Delineation, OutliersDoNotMoveGlobalBoundaries) {
  const auto beats = regular_beats(10.0, 1.1);
  std::vector<SyntheticWave> late = kSinusBeat;
  late[4].delay_s += 0.05;
  late[4].sigma_s = 0.065;
  Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, 500.0, 3);
  x.col(2) = synthetic_ecg(beats, 10.0, 500.0, 1, 0.005, late).col(0);
  const Delineation found = delineated(x, 500.0);
  for (std::size_t beat = 1; beat + 1 < found.global.size(); ++beat) {
    const double first = found.leads[0][beat].t.offset_s, second = found.leads[1][beat].t.offset_s;
    ASSERT_GT(found.leads[2][beat].t.offset_s, std::max(first, second) + 0.06);
    EXPECT_EQ(found.global[beat].t.offset_s, std::max(first, second));
  }
}

TEST(Delineation, ScaleChangesNothing) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.83), 10.0, 250.0, 3, 0.01);
  const Delineation reference = delineated(x, 250.0), scaled = delineated(x * 1000.0, 250.0);
  for (std::size_t l = 0; l < 3; ++l) {
    for (std::size_t beat = 0; beat < reference.global.size(); ++beat) {
      const BeatWaves &a = reference.leads[l][beat], &b = scaled.leads[l][beat];
      EXPECT_EQ(a.t.present(), b.t.present());
      if (a.t.present()) {
        EXPECT_NEAR(a.t.offset_s, b.t.offset_s, 1e-9);
      }
      EXPECT_NEAR(a.qrs.onset_s, b.qrs.onset_s, 1e-9);
    }
  }
}

TEST(Delineation, LeadOrderChangesNothing) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(10.0, 0.83), 10.0, 250.0, 6, 0.02);
  const Eigen::ArrayXXd reversed = x.rowwise().reverse();
  const std::vector<double> r = detect_r_peaks(x, 250.0).times_s;
  const Delineation a = delineate(x, 250.0, r), b = delineate(reversed, 250.0, r);
  for (std::size_t beat = 0; beat < r.size(); ++beat) {
    for (std::size_t l = 0; l < 6; ++l) {
      EXPECT_NEAR(a.leads[l][beat].qrs.onset_s, b.leads[5 - l][beat].qrs.onset_s, 1e-6);
      EXPECT_EQ(a.leads[l][beat].p.present(), b.leads[5 - l][beat].p.present());
    }
  }
}

TEST(Delineation, TimeShiftMovesFiducials) {
  const Eigen::ArrayXXd x = synthetic_ecg(regular_beats(12.0, 0.83), 12.0, 250.0, 3, 0.005);
  const Delineation all = delineated(x, 250.0);
  const Eigen::ArrayXXd shorter = x.bottomRows(x.rows() - 250);
  const Delineation later = delineated(shorter, 250.0);
  const std::size_t skipped = all.global.size() - later.global.size();
  for (std::size_t beat = 1; beat + 1 < later.global.size(); ++beat) {
    EXPECT_NEAR(later.global[beat].qrs.onset_s + 1.0, all.global[beat + skipped].qrs.onset_s, 0.005);
    EXPECT_NEAR(later.global[beat].t.offset_s + 1.0, all.global[beat + skipped].t.offset_s, 0.010);
    EXPECT_NEAR(later.global[beat].p.onset_s + 1.0, all.global[beat + skipped].p.onset_s, 0.010);
  }
}

TEST(Delineation, AnyInputGivesOrderedWavesOrNone) {
  const auto beats = regular_beats(10.0, 0.8);
  Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, 100.0, 6, 0.02);
  PhiloxStream random(5);
  x.col(0).setConstant(2.0);
  x.col(1).setConstant(kNan);
  for (double& sample : x.col(2)) sample = random.normal();
  x.col(3).segment(400, 100).setConstant(kNan);
  x.col(4) = x.col(4).min(0.2).max(-0.1);
  x(500, 5) = 32767.0;
  const Delineation found = delineated(x, 100.0);
  ASSERT_FALSE(found.global.empty());
  const auto measured = [&](std::size_t beat) { return std::isfinite(found.global[beat].qrs.onset_s); };
  std::size_t count = 0;
  for (std::size_t beat = 0; beat < found.global.size(); ++beat) count += measured(beat) ? 1 : 0;
  EXPECT_GE(count + 1, found.global.size());  // The spike's beat may be none.
  for (std::size_t l = 0; l < 6; ++l) {
    for (std::size_t beat = 0; beat < found.global.size(); ++beat) {
      const BeatWaves& waves = found.leads[l][beat];
      EXPECT_EQ(waves.qrs.present(), l > 1 && measured(beat));
      for (const Wave& wave : {waves.p, waves.qrs, waves.t}) expect_ordered(wave, 10.0);
    }
  }
  // R peaks that are none, at both ends and doubled.
  const Eigen::ArrayXXd noise = synthetic_ecg({}, 3.0, 100.0, 2, 1.0);
  const std::vector<double> anything = {0.0, 0.01, 0.3, 1.0, 1.0, 2.99};
  for (const BeatWaves& waves : delineate(noise, 100.0, anything).global) {
    expect_ordered(waves.p, 3.0);
    expect_ordered(waves.t, 3.0);
  }
  EXPECT_TRUE(delineate(noise, 100.0, {}).global.empty());
}

TEST(Delineation, OneBeatAndTwoSeconds) {
  const Delineation found = delineated(synthetic_ecg(std::vector<double>{1.1}, 2.0, 100.0, 12), 100.0);
  ASSERT_EQ(found.global.size(), 1U);
  EXPECT_NEAR(found.global[0].qrs.onset_s, 1.1 - 0.052, 0.015);
  EXPECT_TRUE(found.global[0].t.present());
}

}  // namespace
}  // namespace cardiograd::dsp
