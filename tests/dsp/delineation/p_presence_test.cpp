#include "dsp/delineation/p_presence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dsp/delineation/constants.h"
#include "dsp/delineation/delineation.h"
#include "dsp/delineation/r_peaks.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

using Waves = std::vector<SyntheticWave>;

Delineation delineated(const Eigen::ArrayXXd& x, double rate) {
  return delineate(x, rate, detect_r_peaks(x, rate).times_s);
}

std::size_t with_p(const Delineation& found) {
  return static_cast<std::size_t>(
      std::count_if(found.global.begin(), found.global.end(), [](const BeatWaves& b) { return b.p.present(); }));
}

// T follows the rate, P keeps its distance; the faster, the closer they come.
Waves at_interval(double interval, double p_mv, double t_mv) {
  Waves waves = kSinusBeat;
  waves[0] = {-0.14, p_mv, 0.020};
  waves[4] = {0.28 * std::sqrt(interval), t_mv, 0.045 * std::sqrt(interval)};
  return waves;
}

TEST(PPresence, PIsNotTakenForT) {
  for (const double interval : {0.46, 0.50, 0.55, 0.6, 0.75}) {
    for (const double t_mv : {0.3, 0.08, 0.03, -0.1}) {
      for (const Eigen::Index leads : {2, 12}) {
        const auto beats = regular_beats(12.0, interval);
        const Waves waves = at_interval(interval, 0.15, t_mv);
        const Delineation found = delineated(synthetic_ecg(beats, 12.0, 500.0, leads, 0.004, waves), 500.0);
        ASSERT_EQ(found.global.size(), beats.size());
        for (std::size_t i = 2; i + 2 < beats.size(); ++i) {
          const std::string what = std::to_string(interval) + " " + std::to_string(t_mv);
          ASSERT_TRUE(found.global[i].p.present()) << what << " " << leads;
          EXPECT_NEAR(found.global[i].p.peak_s, beats[i] - 0.14, 0.015) << what;
          EXPECT_TRUE(!found.global[i].t.present() || found.global[i].t.offset_s <= beats[i + 1] - 0.14 - 0.02) << what;
        }
      }
    }
  }
}

// Junctional rhythms: what the filter leaves behind T is no P wave.
TEST(PPresence, TheEndOfTIsNoP) {
  const Waves no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  for (const double per_minute : {50.0, 60.0, 65.0, 70.0, 75.0, 80.0, 90.0, 110.0}) {
    for (const double t_mv : {0.1, 0.3, 0.6}) {
      for (const Eigen::Index leads : {1, 2, 12}) {
        Waves waves = no_p;
        waves.back().amplitude = t_mv;
        const auto beats = regular_beats(12.0, 60.0 / per_minute);
        EXPECT_EQ(with_p(delineated(synthetic_ecg(beats, 12.0, 500.0, leads, 0.002, waves), 500.0)), 0U)
            << per_minute << " " << t_mv << " " << leads;
      }
    }
  }
}

// An irregular rhythm without P whose T waves lie where P would: they keep their distance from the beat before.
TEST(PPresence, TOfTheBeatBeforeIsNoP) {
  const Waves no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  PhiloxStream random(23);
  std::vector<double> beats = {0.5};
  while (beats.back() < 19.0) beats.push_back(beats.back() + random.uniform(0.40, 0.50));
  for (const Eigen::Index leads : {2, 12}) {
    EXPECT_EQ(with_p(delineated(synthetic_ecg(beats, 20.0, 250.0, leads, 0.004, no_p), 250.0)), 0U) << leads;
  }
}

// Flutter 4:1: a wave before every complex, and three more of its kind.
TEST(PPresence, OneWaveOfManyIsNoP) {
  const Waves no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  for (const double interval : {0.8, 0.9, 1.0}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      if (interval < 0.9 && leads < 12) continue;  // Flutter's waves leave too little beside P there.
      const auto beats = regular_beats(12.0, interval);
      Eigen::ArrayXXd x = synthetic_ecg(beats, 12.0, 500.0, leads, 0.004, no_p);
      for (Eigen::Index t = 0; t < x.rows(); ++t) {
        x.row(t) += 0.12 * std::sin(2.0 * std::numbers::pi * (static_cast<double>(t) / 500.0 - 0.5) * 4.0 / interval);
      }
      EXPECT_EQ(with_p(delineated(x, 500.0)), 0U) << interval << " " << leads;
    }
  }
}

// Sinus rhythm at the rates of flutter that is conducted 2:1.
TEST(PPresence, PAtTheRatesOfFlutterIsThere) {
  for (const double per_minute : {128.0, 138.0, 145.0}) {
    for (const double t_mv : {0.05, 0.25}) {
      for (const Eigen::Index leads : {1, 2, 12}) {
        Waves waves = kSinusBeat;
        waves[0] = {-0.13, 0.12, 0.018};
        waves[4] = {0.17, t_mv, 0.030};
        const auto beats = regular_beats(12.0, 60.0 / per_minute);
        const Delineation found = delineated(synthetic_ecg(beats, 12.0, 500.0, leads, 0.004, waves), 500.0);
        ASSERT_EQ(found.global.size(), beats.size()) << per_minute;
        for (std::size_t i = 2; i + 2 < beats.size(); ++i) {
          ASSERT_TRUE(found.global[i].p.present()) << per_minute << " " << t_mv << " " << leads;
          EXPECT_NEAR(found.global[i].p.peak_s, beats[i] - 0.13, 0.02) << per_minute << " " << t_mv << " " << leads;
        }
      }
    }
  }
}

// And flutter itself, two waves for each complex, of which the second may lie at the end of QRS.
TEST(PPresence, TheFirstOfTwoWavesIsNoP) {
  const Waves no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  for (const double per_minute : {130.0, 140.0, 150.0}) {
    for (const double delay_s : {0.15, 0.18}) {
      for (const Eigen::Index leads : {2, 12}) {
        const double interval = 60.0 / per_minute;
        Waves waves = no_p;
        waves[3] = {0.2, 0.1, 0.035};
        waves.push_back({-delay_s, 0.15, 0.022});
        waves.push_back({0.5 * interval - delay_s, 0.15, 0.022});
        const auto beats = regular_beats(12.0, interval);
        EXPECT_EQ(with_p(delineated(synthetic_ecg(beats, 12.0, 500.0, leads, 0.004, waves), 500.0)), 0U)
            << per_minute << " " << delay_s << " " << leads;
      }
    }
  }
}

// Noise as large as QRS in some leads takes nothing from the others.
TEST(PPresence, LeadsFullOfNoiseHideNothing) {
  struct {
    Eigen::Index leads, noisy;
  } const cases[] = {{12, 1}, {12, 2}, {12, 3}, {2, 1}};
  for (const auto& c : cases) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      const auto beats = regular_beats(12.0, 0.8);
      Eigen::ArrayXXd x = synthetic_ecg(beats, 12.0, 500.0, c.leads, 0.01);
      PhiloxStream random(seed);
      for (Eigen::Index l = c.leads - c.noisy; l < c.leads; ++l) {
        for (double& sample : x.col(l)) sample = 0.7 * random.normal();
      }
      const Delineation found = delineate(x, 500.0, beats);
      EXPECT_GE(with_p(found) + 2, beats.size()) << c.leads << " " << c.noisy << " " << seed;
    }
  }
}

// A paced ventricle without P whose stimuli leave steps that last: what the filter makes of a step begins before it.
TEST(PPresence, NothingBeforeAStimulusIsP) {
  const Waves paced = {{0.10, -0.7, 0.030}, {0.36, 0.35, 0.055}};
  const auto beats = regular_beats(12.0, 1.0);
  for (const Eigen::Index leads : {2, 12}) {
    for (const double step_mv : {0.15, 0.25}) {
      Eigen::ArrayXXd x = synthetic_ecg(beats, 12.0, 500.0, leads, 0.003, paced);
      for (const double beat : beats) {
        x.middleRows(static_cast<Eigen::Index>(std::lround(beat * 500.0)), 20) += step_mv;
      }
      EXPECT_EQ(with_p(delineated(x, 500.0)), 0U) << leads << " " << step_mv;
    }
  }
}

// ST and T that fill the interval, as in bundle-branch block, are no waves like P, however steep they are beside it.
TEST(PPresence, PBesideAnIntervalFullOfSTAndTIsThere) {
  struct {
    double interval, p_mv, st_mv, st_s, t_mv, t_s, t_sigma_s;
  } const cases[] = {{0.64, 0.07, -0.60, 0.11, 0.26, 0.32, 0.059},
                     {0.68, 0.08, -0.42, 0.12, -0.80, 0.30, 0.038},
                     {0.71, 0.08, 0.36, 0.11, -0.77, 0.31, 0.058},
                     {0.73, 0.09, 0.27, 0.11, 0.73, 0.32, 0.055},
                     {0.74, 0.05, 0.39, 0.13, 0.76, 0.31, 0.052}};
  for (const auto& c : cases) {
    Waves waves = kSinusBeat;
    waves[0] = {-0.15, c.p_mv, 0.022};
    waves[4] = {c.t_s, c.t_mv, c.t_sigma_s};
    waves.push_back({c.st_s, c.st_mv, 0.05});
    const auto beats = regular_beats(12.0, c.interval);
    const Delineation found = delineated(synthetic_ecg(beats, 12.0, 500.0, 12, 0.004, waves), 500.0);
    ASSERT_EQ(found.global.size(), beats.size()) << c.interval;
    for (std::size_t i = 2; i + 2 < beats.size(); ++i) {
      ASSERT_TRUE(found.global[i].p.present()) << c.interval;
      EXPECT_NEAR(found.global[i].p.peak_s, beats[i] - 0.15, 0.02) << c.interval;
    }
  }
}

// P close to QRS, and not small beside it: the complex begins behind it.
TEST(PPresence, PThatRunsIntoQrsIsNoPartOfIt) {
  for (const double delay : {0.10, 0.115, 0.13}) {
    for (const Eigen::Index leads : {1, 12}) {
      Waves waves = {
          {-delay, 0.2, 0.020}, {-0.028, -0.05, 0.009}, {0.0, 0.6, 0.011}, {0.028, -0.15, 0.010}, {0.28, 0.2, 0.045}};
      const auto beats = regular_beats(12.0, 0.9);
      const Delineation found = delineated(synthetic_ecg(beats, 12.0, 500.0, leads, 0.003, waves), 500.0);
      ASSERT_EQ(found.global.size(), beats.size());
      for (std::size_t i = 1; i + 1 < beats.size(); ++i) {
        EXPECT_NEAR(found.global[i].qrs.onset_s, beats[i] - 0.052, 0.025) << delay << " " << leads;
        EXPECT_TRUE(found.global[i].p.present()) << delay << " " << leads;
      }
    }
  }
}

// Atrial premature beats: their own P is early and of another form; that of the others stays.
TEST(PPresence, PrematureAtrialBeatsDoNotTakePFromTheOthers) {
  for (const std::size_t every : {2U, 3U, 4U, 6U}) {
    std::vector<double> sinus, premature;
    double at = 0.6;
    for (std::size_t i = 1; at < 19.4; ++i) {
      (i % every == 0 ? premature : sinus).push_back(at);
      at += i % every == 0 ? 0.95 : (i + 1) % every == 0 ? 0.58 : 0.85;
    }
    Waves other = kSinusBeat;
    other[0] = {-0.13, -0.08, 0.018};
    for (const Eigen::Index leads : {2, 12}) {
      const Delineation found = delineated(
          synthetic_ecg(sinus, 20.0, 500.0, leads, 0.004) + synthetic_ecg(premature, 20.0, 500.0, leads, 0.0, other),
          500.0);
      std::size_t asked = 0, there = 0, early = 0, early_there = 0;
      for (const BeatWaves& beat : found.global) {
        if (std::any_of(premature.begin(), premature.end(),
                        [&](double t) { return std::abs(t - beat.qrs.peak_s) < 0.05; })) {
          ++early;
          early_there += beat.p.present() && std::abs(beat.p.peak_s - (beat.qrs.peak_s - 0.13)) < 0.03 ? 1U : 0U;
        }
        if (std::none_of(sinus.begin(), sinus.end(), [&](double t) { return std::abs(t - beat.qrs.peak_s) < 0.05; }))
          continue;
        ++asked;
        there += beat.p.present() && std::abs(beat.p.peak_s - (beat.qrs.peak_s - 0.16)) < 0.03 ? 1U : 0U;
      }
      EXPECT_TRUE(10 * early_there >= 7 * early)
          << every << ": early " << early_there << " of " << early << " " << leads;
      EXPECT_TRUE(10 * there >= 9 * asked) << every << ": " << there << " of " << asked << ", leads " << leads;
    }
  }
}

// So many of them, at so different intervals, that the rhythm is as irregular as fibrillation; P stays with its beat.
// Where it lies on the T wave before it may be missed.
TEST(PPresence, IrregularIntervalsThatPFollowsAreNoFibrillation) {
  for (const Eigen::Index leads : {1, 2, 12}) {
    PhiloxStream random(11);
    std::vector<double> sinus, premature;
    double at = 0.6;
    for (int i = 1; at < 29.4; ++i) {
      const bool early = random.uniform(0.0, 1.0) < 0.35;
      (early ? premature : sinus).push_back(at);
      at += random.uniform(early ? 0.5 : 0.72, early ? 0.66 : 1.1);
    }
    Waves first = kSinusBeat, other = kSinusBeat;
    first[0] = {-0.16, 0.08, 0.022};
    other[0] = {-0.13, -0.08, 0.018};
    const Delineation found = delineated(synthetic_ecg(sinus, 30.0, 250.0, leads, 0.010, first) +
                                             synthetic_ecg(premature, 30.0, 250.0, leads, 0.0, other),
                                         250.0);
    ASSERT_GE(found.global.size() + 2, sinus.size() + premature.size());
    EXPECT_TRUE(4 * with_p(found) >= 3 * found.global.size())
        << with_p(found) << " of " << found.global.size() << ", leads " << leads;
  }
}

TEST(PPresence, OddsFollowTheEvidence) {
  PEvidence sinus;
  sinus.ratio = 30.0;
  sinus.correlation = 0.9;
  sinus.beside = 0.12;
  sinus.irregularity = 0.02;
  sinus.rr_s = 0.85;
  EXPECT_GT(p_log_odds(sinus), 3.0);
  PEvidence fibrillation = sinus;
  fibrillation.ratio = 1.0;
  fibrillation.correlation = 0.1;
  fibrillation.beside = 0.8;
  fibrillation.irregularity = 0.15;
  EXPECT_LT(p_log_odds(fibrillation), -3.0);
  PEvidence irregular = sinus;
  irregular.irregularity = 0.15;
  PEvidence followed = irregular;
  followed.own_beat = 8.0;
  EXPECT_GT(p_log_odds(followed), p_log_odds(irregular) + 0.3);
  followed.own_beat = 1e9;
  EXPECT_NEAR(p_log_odds(followed) - p_log_odds(irregular), p_log_odds(sinus) - p_log_odds(irregular), 1.6);
  PEvidence flutter = sinus;
  flutter.beside = 0.6;
  flutter.rr_s = 0.4;
  EXPECT_GT(p_log_odds(flutter), kPEvidence.enough_weight);
  flutter.between = 0.8;
  EXPECT_LT(p_log_odds(flutter), 0.0);
  flutter.rr_s = 1.0;  // The second wave of 2:1 block is a P wave.
  EXPECT_GT(p_log_odds(flutter), kPEvidence.enough_weight);
}

// A chain of two states: what is certain on both sides outweighs a doubt between, and no more than that.
TEST(PPresence, NeighborsTellWhatIsInDoubt) {
  const double most = std::log((1.0 - kPEvidence.change_fraction) / kPEvidence.change_fraction);
  for (const double sign : {1.0, -1.0}) {
    const std::vector<double> told = odds_from_neighbors(std::vector{sign * 20.0, sign * 20.0, 0.0, sign * 20.0});
    EXPECT_NEAR(told[2], 2.0 * sign * most, 1e-6);
    EXPECT_NEAR(told[3], sign * std::log((19.0 * 0.95 + 0.05) / (19.0 * 0.05 + 0.95)), 1e-6);
  }
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> over = odds_from_neighbors(std::vector{20.0, unknown, unknown});
  EXPECT_TRUE(over[1] > over[2] && over[2] > 1.0) << over[1] << " " << over[2];
  EXPECT_EQ(odds_from_neighbors(std::vector{3.0}), std::vector{0.0});
  EXPECT_TRUE(odds_from_neighbors({}).empty());
}

// Noise over one neighborhood of many hides neither its P waves nor makes any where there are none.
TEST(PPresence, NoisyMinutesAreLikeThoseAround) {
  const auto beats = regular_beats(50.0, 0.8);
  const Waves no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  for (const bool with : {true, false}) {
    Eigen::ArrayXXd x = synthetic_ecg(beats, 50.0, 250.0, 1, 0.004, with ? kSinusBeat : no_p);
    PhiloxStream random(31);
    for (Eigen::Index t = 20 * 250; t < 30 * 250; ++t) x(t, 0) += 0.05 * random.normal();
    std::size_t asked = 0, there = 0;
    for (const BeatWaves& beat : delineated(x, 250.0).global) {
      if (beat.qrs.peak_s < 20.0 || beat.qrs.peak_s > 30.0) continue;
      ++asked;
      there += beat.p.present() ? 1U : 0U;
    }
    EXPECT_TRUE(with ? 10 * there >= 9 * asked : there == 0) << there << " of " << asked;
  }
}

// A nearly regular rhythm without P in a little noise: the largest hump of the average is there by chance, or T's end.
TEST(PPresence, NoiseInARegularRhythmIsNoP) {
  const Waves late_t = {{-0.028, -0.10, 0.008}, {0.0, 1.0, 0.011}, {0.030, -0.2, 0.010}, {0.30, 0.3, 0.045}};
  int with = 0, records = 0;
  for (const double rr_s : {0.63, 0.7, 0.8, 0.95, 1.1}) {
    for (std::uint64_t seed = 1; seed <= 24; ++seed) {
      PhiloxStream random(seed);
      std::vector<double> beats = {0.35};
      while (beats.back() < 9.0) beats.push_back(beats.back() + rr_s + random.uniform(-0.02, 0.02));
      Eigen::ArrayXXd x = synthetic_ecg(beats, 10.0, 250.0, 12, 0.0, late_t);
      const double noise = seed % 3 == 0 ? 0.004 : seed % 3 == 1 ? 0.008 : 0.02;
      for (double& sample : x.reshaped()) sample += noise * random.normal();
      x.col(2) = x.col(1) - x.col(0);  // III, aVR, aVL and aVF have the noise of I and II.
      x.col(3) = -0.5 * (x.col(0) + x.col(1));
      x.col(4) = x.col(0) - 0.5 * x.col(1);
      x.col(5) = x.col(1) - 0.5 * x.col(0);
      const Delineation found = delineated(x, 250.0);
      const auto has_p = [](const BeatWaves& beat) { return beat.p.present(); };
      with += std::any_of(found.global.begin(), found.global.end(), has_p) ? 1 : 0;
      ++records;
    }
  }
  EXPECT_LE(30 * with, records) << with << " of " << records;
}

// White noise in the band of the ECG: what is not found is not called absent, and without noise it is.
TEST(PPresence, NoiseThatHidesPIsSaid) {
  const auto beats = regular_beats(10.0, 0.83);
  const Waves no_p(kSinusBeat.begin() + 1, kSinusBeat.end());
  for (const Eigen::Index leads : {1, 12}) {
    for (const bool with : {true, false}) {
      const Delineation noisy =
          delineated(synthetic_ecg(beats, 10.0, 500.0, leads, 0.6, with ? kSinusBeat : no_p), 500.0);
      const Delineation clean =
          delineated(synthetic_ecg(beats, 10.0, 500.0, leads, 0.01, with ? kSinusBeat : no_p), 500.0);
      for (std::size_t i = 0; i < noisy.global.size(); ++i) {
        EXPECT_TRUE(noisy.global[i].p.present() || noisy.p_hidden[i] != 0) << leads << with;
      }
      for (std::size_t i = 1; i + 1 < clean.global.size(); ++i) {
        EXPECT_EQ(clean.global[i].p.present(), with) << leads;
        EXPECT_EQ(clean.p_hidden[i], 0) << leads << with;
      }
    }
  }
}

}  // namespace
}  // namespace cardiograd::dsp
