// Rhythms and recordings of which whole families were missed: beats that are there are found, and nothing else.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dsp/delineation/delineation.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/features/beat_features.h"
#include "dsp/features/features.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

using Waves = std::vector<SyntheticWave>;

const Waves kBroad = {{-0.02, 0.5, 0.025}, {0.03, 1.2, 0.035}, {0.14, -0.4, 0.04}};
const Waves kPremature = {{0.0, 1.0, 0.028}, {0.07, -0.4, 0.028}, {0.30, -0.35, 0.05}};

Waves scaled(Waves waves, double factor) {
  for (SyntheticWave& wave : waves) wave.amplitude *= factor;
  return waves;
}

// Matches within `tolerance`, those near the ends of the record left aside.
void expect_found(const Eigen::ArrayXXd& x, double rate, std::vector<double> beats, double tolerance,
                  const std::string& what) {
  const RPeaks found = detect_r_peaks(x, rate);
  const double seconds = static_cast<double>(x.rows()) / rate;
  std::vector<double> times = found.times_s;
  for (std::vector<double>* list : {&beats, &times}) {
    std::erase_if(*list, [&](double t) { return t < 0.35 || t > seconds - 0.35; });
  }
  std::size_t hits = 0;
  for (const double beat : beats) {
    hits +=
        std::any_of(times.begin(), times.end(), [&](double t) { return std::abs(t - beat) <= tolerance; }) ? 1U : 0U;
  }
  EXPECT_TRUE(hits == beats.size() && times.size() == beats.size())
      << what << ": " << hits << " of " << beats.size() << " beats, " << times.size() << " found " << found.reason;
}

struct Beats {
  std::vector<double> times_s;
  Waves waves;
};

// Beats of two kinds, in 1, 2 and 12 leads.
void expect_both(const Beats& usual, const Beats& others, double seconds, double tolerance, const std::string& what) {
  std::vector<double> all = usual.times_s;
  all.insert(all.end(), others.times_s.begin(), others.times_s.end());
  for (const Eigen::Index leads : {1, 2, 12}) {
    const Eigen::ArrayXXd x = synthetic_ecg(usual.times_s, seconds, 250.0, leads, 0.01, usual.waves) +
                              synthetic_ecg(others.times_s, seconds, 250.0, leads, 0.0, others.waves);
    expect_found(x, 250.0, all, tolerance, what + ", leads " + std::to_string(leads));
  }
}

// As many beats as there are cycles, one in each: which point of a broad complex stands for it is a convention.
void expect_rate(const Eigen::ArrayXXd& x, double rate, double per_minute, const std::string& what) {
  const RPeaks found = detect_r_peaks(x, rate);
  const double seconds = static_cast<double>(x.rows()) / rate;
  EXPECT_TRUE(std::abs(static_cast<double>(found.times_s.size()) - per_minute / 60.0 * seconds) <= 1.5)
      << what << ": " << found.times_s.size() << " beats, " << found.reason;
  for (std::size_t i = 1; i < found.times_s.size(); ++i) {
    const double interval = found.times_s[i] - found.times_s[i - 1];
    EXPECT_TRUE(std::abs(interval * per_minute / 60.0 - 1.0) <= 0.1) << what << " " << found.times_s[i];
  }
}

TEST(Rhythms, BroadComplexTachycardia) {
  for (const double per_minute : {120.0, 160.0, 200.0, 240.0}) {
    for (const double sigma : {0.022, 0.03, 0.045}) {
      for (const Eigen::Index leads : {1, 2, 12}) {
        const Waves waves = {{0.0, 1.0, sigma}, {3.0 * sigma, -0.5, 1.2 * sigma}};
        const auto beats = regular_beats(11.0, 60.0 / per_minute, 0.2);
        expect_rate(synthetic_ecg(beats, 11.0, 250.0, leads, 0.01, waves).topRows(2500), 250.0, per_minute,
                    std::to_string(per_minute) + " " + std::to_string(sigma) + " " + std::to_string(leads));
      }
    }
  }
}

TEST(Rhythms, WavesWithoutBaseline) {
  for (const double rate : {100.0, 500.0}) {
    for (const double per_minute : {110.0, 150.0, 200.0, 250.0, 300.0}) {
      for (const Eigen::Index leads : {1, 12}) {
        Eigen::ArrayXXd x = synthetic_ecg({}, 10.0, rate, leads, 0.01);
        for (Eigen::Index t = 0; t < x.rows(); ++t) {
          const double phase = 2.0 * std::numbers::pi * per_minute / 60.0 * static_cast<double>(t) / rate;
          for (Eigen::Index l = 0; l < leads; ++l) {
            x(t, l) += std::sin(phase + 0.2 * static_cast<double>(l)) + 0.25 * std::sin(2.0 * phase + 1.0);
          }
        }
        expect_rate(x, rate, per_minute, "sine " + std::to_string(per_minute) + " " + std::to_string(leads));
      }
    }
  }
}

TEST(Rhythms, NarrowComplexesAt240AndMore) {
  const Waves narrow = {{0.0, 1.0, 0.011}, {0.028, -0.25, 0.010}, {0.12, 0.12, 0.03}};
  for (const double per_minute : {220.0, 240.0, 270.0, 300.0}) {
    for (const Eigen::Index leads : {1, 12}) {
      const auto beats = regular_beats(11.0, 60.0 / per_minute, 0.2);
      expect_rate(synthetic_ecg(beats, 11.0, 500.0, leads, 0.01, narrow).topRows(5000), 500.0, per_minute,
                  "narrow " + std::to_string(per_minute) + " " + std::to_string(leads));
    }
  }
}

TEST(Rhythms, NormalBeatsBesideLargePrematureOnes) {
  for (const double larger : {2.0, 4.0, 6.0}) {
    for (const std::size_t every : {2U, 3U, 5U}) {
      std::vector<double> normal, premature;
      double at = 0.5;
      for (std::size_t i = 1; at < 29.4; ++i) {
        (i % every == 0 ? premature : normal).push_back(at);
        at += i % every == 0 ? 1.05 : (i + 1) % every == 0 ? 0.55 : 0.8;
      }
      std::vector<double> all = normal;
      all.insert(all.end(), premature.begin(), premature.end());
      for (const Eigen::Index leads : {1, 2, 12}) {
        const Eigen::ArrayXXd x = synthetic_ecg(normal, 30.0, 250.0, leads, 0.01) +
                                  synthetic_ecg(premature, 30.0, 250.0, leads, 0.0, scaled(kPremature, larger));
        expect_found(
            x, 250.0, all, 0.06,
            std::to_string(larger) + " times, every " + std::to_string(every) + ", leads " + std::to_string(leads));
      }
    }
  }
}

TEST(Rhythms, LowPrematureBeats) {
  for (const double height : {0.3, 0.4, 0.6}) {
    std::vector<double> normal, premature;
    double at = 0.5;
    for (int i = 1; at < 29.4; ++i) {
      (i % 5 == 0 ? premature : normal).push_back(at);
      at += i % 5 == 0 ? 1.0 : i % 5 == 4 ? 0.50 : 0.8;
    }
    std::vector<double> all = normal;
    all.insert(all.end(), premature.begin(), premature.end());
    for (const Eigen::Index leads : {1, 2, 12}) {
      const Waves low = {{0.0, height, 0.018}, {0.045, -0.5 * height, 0.018}, {0.27, -0.3 * height, 0.05}};
      const Eigen::ArrayXXd x =
          synthetic_ecg(normal, 30.0, 360.0, leads, 0.01) + synthetic_ecg(premature, 30.0, 360.0, leads, 0.0, low);
      expect_found(x, 360.0, all, 0.06, "height " + std::to_string(height) + " leads " + std::to_string(leads));
    }
  }
}

TEST(Rhythms, HeightsThatAlternate) {
  const Waves fast = {{0.0, 1.0, 0.011}, {0.028, -0.2, 0.010}, {0.17, 0.15, 0.03}};
  for (const double per_minute : {120.0, 169.0, 190.0}) {
    for (const double lower : {0.6, 0.45, 0.35}) {
      std::vector<double> even, odd;
      const auto all = regular_beats(20.0, 60.0 / per_minute);
      for (std::size_t i = 0; i < all.size(); ++i) (i % 2 == 0 ? even : odd).push_back(all[i]);
      for (const Eigen::Index leads : {1, 12}) {
        const Eigen::ArrayXXd x = synthetic_ecg(even, 20.0, 250.0, leads, 0.01, fast) +
                                  synthetic_ecg(odd, 20.0, 250.0, leads, 0.0, scaled(fast, lower));
        expect_found(x, 250.0, all, 0.03, std::to_string(per_minute) + "/min, lower " + std::to_string(lower));
      }
    }
  }
}

TEST(Rhythms, TallNarrowTWaves) {
  for (const double height : {0.8, 1.2, 1.6}) {
    for (const double sigma : {0.028, 0.035, 0.045}) {
      for (const double interval : {0.6, 0.8, 1.1}) {
        const Waves tall = {{-0.16, 0.05, 0.022},
                            {-0.028, -0.1, 0.009},
                            {0.0, 1.0, 0.012},
                            {0.03, -0.3, 0.011},
                            {0.27 * std::sqrt(interval), height, sigma}};
        const auto beats = regular_beats(20.0, interval);
        for (const Eigen::Index leads : {1, 12}) {
          expect_found(synthetic_ecg(beats, 20.0, 250.0, leads, 0.01, tall), 250.0, beats, 0.03,
                       "T " + std::to_string(height) + " " + std::to_string(sigma) + " " + std::to_string(interval));
        }
      }
    }
  }
}

// Couplets and short runs of early beats, much faster than the rhythm that they interrupt.
TEST(Rhythms, ShortFastRuns) {
  const Waves normal = {{-0.16, 0.12, 0.022}, {0.0, 1.0, 0.011}, {0.028, -0.2, 0.010}, {0.28, 0.3, 0.045}};
  const Waves narrow = {{0.0, 0.8, 0.011}, {0.028, -0.16, 0.010}, {0.17, 0.15, 0.03}};
  for (const double per_minute : {150.0, 170.0, 190.0, 210.0}) {
    for (const int length : {2, 3, 4, 6}) {
      std::vector<double> usual, early;
      double at = 0.5;
      for (int i = 1; at < 29.4; ++i) {
        usual.push_back(at);
        if (i % 6 == 0) {
          for (int beat = 0; beat < length; ++beat) early.push_back(at + 0.45 + beat * 60.0 / per_minute);
          at = early.back();
        }
        at += 0.857;
      }
      expect_both({usual, normal}, {early, narrow}, 30.0, 0.05,
                  std::to_string(per_minute) + "/min, " + std::to_string(length) + " beats");
    }
  }
}

// Longer runs of broad beats: leaving every second one out would look regular, too.
TEST(Rhythms, RunsOfBroadBeats) {
  const Waves normal = {{-0.16, 0.12, 0.022}, {0.0, 1.0, 0.011}, {0.028, -0.2, 0.010}, {0.28, 0.3, 0.045}};
  const Waves broad = {{0.0, 0.8, 0.024}, {0.07, -0.5, 0.028}, {0.14, -0.2, 0.03}};
  for (const double per_minute : {180.0, 190.0, 200.0, 210.0}) {
    for (const int length : {5, 10, 20}) {
      std::vector<double> usual = regular_beats(6.0, 0.8), fast;
      for (int beat = 0; beat < length; ++beat) fast.push_back(usual.back() + 0.7 + beat * 60.0 / per_minute);
      const std::vector<double> rest = regular_beats(19.8, 0.8, fast.back() + 0.9);
      usual.insert(usual.end(), rest.begin(), rest.end());
      expect_both({usual, normal}, {fast, broad}, 20.0, 0.06,
                  std::to_string(per_minute) + "/min, " + std::to_string(length) + " beats");
    }
  }
}

// P waves that march through slow, broad, smooth complexes are no beats of their own.
TEST(Rhythms, AtrialWavesBesideASlowEscape) {
  const Waves broad = {{-0.03, 0.45, 0.014}, {0.0, 0.4, 0.016}, {0.035, 0.4, 0.018}, {0.38, -0.15, 0.06}};
  const Waves atrial = {{-0.02, 0.10, 0.012}, {0.016, 0.08, 0.014}};
  for (const double size : {0.7, 0.8, 0.85}) {
    for (const double per_minute : {30.0, 38.0, 45.0}) {
      const std::vector<double> beats = regular_beats(20.0, 60.0 / per_minute, 0.7);
      const std::vector<double> atria = regular_beats(20.2, 0.78, 0.3);
      for (const Eigen::Index leads : {1, 12}) {
        const Eigen::ArrayXXd x = synthetic_ecg(beats, 20.0, 250.0, leads, 0.004, broad) +
                                  synthetic_ecg(atria, 20.0, 250.0, leads, 0.0, scaled(atrial, size));
        expect_found(x, 250.0, beats, 0.12,
                     std::to_string(size) + ", " + std::to_string(per_minute) + "/min, leads " + std::to_string(leads));
      }
    }
  }
}

// Waves of the atria without a pause, a quarter as high as the complexes, in the middle of their band.
TEST(Rhythms, CoarseFibrillation) {
  const Waves waves = {{0.0, 1.0, 0.011}, {0.028, -0.3, 0.010}, {0.26, 0.25, 0.045}};
  for (const double frequency : {6.0, 7.0, 8.0}) {
    for (const double mean_s : {0.45, 0.6}) {
      PhiloxStream random(11);
      std::vector<double> beats;
      double at = 0.5;
      while (at < 29.4) {
        beats.push_back(at);
        at += mean_s * random.uniform(0.7, 1.3);
      }
      for (const Eigen::Index leads : {1, 2, 12}) {
        Eigen::ArrayXXd x = synthetic_ecg(beats, 30.0, 250.0, leads, 0.01, waves);
        double phase = 0.0;
        for (Eigen::Index t = 0; t < x.rows(); ++t) {
          const double time_s = static_cast<double>(t) / 250.0;
          phase += 2.0 * std::numbers::pi * frequency * (1.0 + 0.08 * std::sin(1.9 * time_s)) / 250.0;
          const double height = 0.23 * (1.0 + 0.3 * std::sin(1.3 * time_s));
          for (Eigen::Index l = 0; l < leads; ++l) {
            x(t, l) += height * (std::sin(phase + 0.3 * static_cast<double>(l)) + 0.2 * std::sin(2.0 * phase + 1.0));
          }
        }
        expect_found(
            x, 250.0, beats, 0.05,
            std::to_string(frequency) + " Hz, " + std::to_string(mean_s) + " s, leads " + std::to_string(leads));
      }
    }
  }
}

// One lead of two breaks for a while: noise, motion of the electrode, a lost contact.
TEST(Rhythms, ALeadThatBreaksIsLeftAside) {
  const auto beats = regular_beats(60.0, 0.8);
  for (const double noise : {0.5, 2.0, 8.0}) {
    for (const double length : {4.0, 8.0, 20.0}) {
      Eigen::ArrayXXd x = synthetic_ecg(beats, 60.0, 250.0, 2, 0.01);
      PhiloxStream random(3);
      const auto from = static_cast<Eigen::Index>(20.0 * 250.0), to = from + static_cast<Eigen::Index>(length * 250.0);
      double slow = 0.0;
      for (Eigen::Index t = from; t < to; ++t) {  // Noise of 1 to 20 Hz.
        slow += 0.25 * (random.normal() - slow);
        x(t, 0) += 3.0 * noise * slow;
      }
      expect_found(x, 250.0, beats, 0.05, "noise " + std::to_string(noise) + " for " + std::to_string(length) + " s");
    }
  }
  Eigen::ArrayXXd x = synthetic_ecg(beats, 60.0, 250.0, 2, 0.01);
  PhiloxStream random(5);
  for (int i = 0; i < 25; ++i) {  // Jolts.
    const auto from = static_cast<Eigen::Index>(random.uniform(15.0, 40.0) * 250.0);
    for (Eigen::Index t = from; t < x.rows(); ++t) {
      const double later = static_cast<double>(t - from) / 250.0;
      x(t, 0) += (i % 2 == 0 ? 3.0 : -3.0) * (std::exp(-later / 0.3) - std::exp(-later / 0.02));
    }
  }
  expect_found(x, 250.0, beats, 0.05, "jolts");
  x = synthetic_ecg(beats, 60.0, 250.0, 2, 0.01);
  x.col(0).segment(5000, 3000) = 0.002 * x.col(0).segment(5000, 3000);
  expect_found(x, 250.0, beats, 0.05, "lost contact");
}

// Waves of 3 to 6 Hz with phases of their own in each lead.
Eigen::ArrayXXd ventricular_fibrillation(double seconds, double rate, Eigen::Index leads, std::uint64_t seed) {
  Eigen::ArrayXXd x = synthetic_ecg({}, seconds, rate, leads, 0.005);
  PhiloxStream random(seed);
  for (int wave = 0; wave < 12; ++wave) {
    const double frequency = random.uniform(3.0, 6.0);
    for (Eigen::Index l = 0; l < leads; ++l) {
      const double phase = random.uniform(0.0, 6.28), height = 0.15 * random.normal();
      for (Eigen::Index t = 0; t < x.rows(); ++t) {
        x(t, l) += height * std::sin(2.0 * std::numbers::pi * frequency * static_cast<double>(t) / rate + phase);
      }
    }
  }
  return x;
}

FeatureRow features_of(const Eigen::ArrayXXd& x, double rate) {
  ecg::Recording recording;
  recording.rate = rate;
  recording.leads.assign(static_cast<std::size_t>(x.cols()), "x");
  recording.units.assign(recording.leads.size(), "mV");
  recording.signal = x;
  return compute_features(recording, {});
}

// Beats are counted, but no width, QT or amplitude is given that nobody could mean. Ventricular tachycardia, broad too,
// keeps its width.
TEST(Rhythms, FibrillationOfTheVentriclesHasNoQrsWidth) {
  for (const double rate : {100.0, 250.0, 500.0}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const Eigen::ArrayXXd x = ventricular_fibrillation(20.0, rate, leads, seed);
        const RPeaks peaks = detect_r_peaks(x, rate);
        ASSERT_FALSE(peaks.times_s.empty()) << rate << " " << leads << " " << seed;
        const Delineation waves = delineate(working_signal(x, rate), peaks);
        EXPECT_TRUE(qrs_durations_ms(waves).empty()) << rate << " " << leads << " " << seed;
        EXPECT_TRUE(qt_intervals_ms(waves).empty()) << rate << " " << leads << " " << seed;
        for (const auto& lead : waves.leads) {
          for (const BeatWaves& beat : lead) {
            EXPECT_FALSE(beat.p.present() || beat.qrs.present() || beat.t.present()) << rate << " " << leads;
          }
        }
        const FeatureRow row = features_of(x, rate);
        for (std::size_t i = 0; i < row.values.size(); ++i) {
          if (!feature_columns()[i].name.starts_with("qrs_")) continue;
          EXPECT_TRUE(std::isnan(row.values[i])) << feature_columns()[i].name;
          EXPECT_TRUE(row.reasons[i].starts_with("not measurable")) << row.reasons[i];
        }
      }
      const auto beats = regular_beats(20.0, 0.38);
      const Eigen::ArrayXXd tachycardia =
          synthetic_ecg(beats, 20.0, rate, leads, 0.005, {{0.0, 1.0, 0.03}, {0.2, -0.3, 0.05}});
      const Delineation broad = delineate(working_signal(tachycardia, rate), detect_r_peaks(tachycardia, rate));
      EXPECT_GE(qrs_durations_ms(broad).size(), beats.size() * 3 / 4) << rate << " " << leads;
      EXPECT_GT(mean(qrs_durations_ms(broad)), 110.0) << rate << " " << leads;
    }
  }
}

// What is left where the ventricles stand still is no beat either: noise, or a line.
TEST(Rhythms, AsystoleHasNoQrsWidth) {
  for (const double noise : {0.0, 0.01}) {
    const FeatureRow row = features_of(synthetic_ecg({}, 10.0, 250.0, 12, noise), 250.0);
    for (std::size_t i = 0; i < row.values.size(); ++i) {
      if (!feature_columns()[i].name.starts_with("qrs_")) continue;
      EXPECT_TRUE(std::isnan(row.values[i]) && !row.reasons[i].empty()) << feature_columns()[i].name;
    }
  }
}

}  // namespace
}  // namespace cardiograd::dsp
