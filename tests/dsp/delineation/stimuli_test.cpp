#include "dsp/delineation/stimuli.h"

#include <cmath>

#include <gtest/gtest.h>

#include "dsp/delineation/r_peaks.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

// Band-limited impulses of `height` mV in all leads at `times`, as a recorder of `rate` Hz shows those of a
// millisecond.
void add_impulses(Eigen::ArrayXXd& x, double rate, const std::vector<double>& times_s, double height) {
  for (const double time_s : times_s) {
    for (Eigen::Index t = 0; t < x.rows(); ++t) {
      const double u = 3.14159265 * (static_cast<double>(t) - time_s * rate);
      if (std::abs(u) < 60.0) {  // Under a Hann window.
        x.row(t) +=
            height * (std::abs(u) < 1e-9 ? 1.0 : std::sin(u) / u) * 0.5 * (1.0 + std::cos(u / 60.0 * 3.14159265));
      }
    }
  }
}

std::vector<double> shifted(std::vector<double> times, double seconds) {
  for (double& time : times) time += seconds;
  return times;
}

// Waves of a paced ventricle: a wide complex without P.
const std::vector<SyntheticWave> kPaced = {{0.0, 1.1, 0.030}, {0.075, -0.4, 0.030}, {0.33, -0.35, 0.055}};

TEST(Stimuli, ImpulsesAreFoundAtAnyRate) {
  for (const double rate : {100.0, 250.0, 360.0, 500.0, 1000.0}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      const auto beats = regular_beats(12.0, 0.857);
      const auto times = shifted(beats, -0.0913);
      Eigen::ArrayXXd x = synthetic_ecg(beats, 12.0, rate, leads, 0.005, kPaced);
      add_impulses(x, rate, times, 1.0);
      const std::vector<double> found = find_stimuli(x, rate);
      ASSERT_EQ(found.size(), times.size()) << rate << " " << leads;
      for (std::size_t i = 0; i < times.size(); ++i) EXPECT_NEAR(found[i], times[i], 0.03) << rate;
    }
  }
}

TEST(Stimuli, WavesAndSingleArtifactsAreNone) {
  for (const double rate : {100.0, 250.0, 500.0}) {
    Eigen::ArrayXXd x = synthetic_ecg(regular_beats(12.0, 0.8), 12.0, rate, 12, 0.02);
    EXPECT_TRUE(find_stimuli(x, rate).empty()) << rate;
    add_impulses(x, rate, {3.21, 9.87}, 0.3);
    EXPECT_TRUE(rate >= 400.0 || find_stimuli(x, rate).empty()) << rate;  // There steps count one by one.
  }
  EXPECT_TRUE(find_stimuli(synthetic_ecg(regular_beats(12.0), 12.0, 80.0, 2), 80.0).empty());
  EXPECT_TRUE(find_stimuli(Eigen::ArrayXXd(1000, 0), 500.0).empty());
}

TEST(Stimuli, AreBridged) {
  Eigen::ArrayXXd x = Eigen::ArrayXXd::Zero(500, 2);
  x.row(250) = 5.0;
  bridge_stimuli({0.5}, 500.0, x);
  EXPECT_TRUE((x == 0.0).all());
}

// Detection does not take the stimulus for the complex.
TEST(Stimuli, AreNoBeats) {
  for (const double rate : {100.0, 500.0}) {
    const auto beats = regular_beats(12.0, 0.857);
    const Eigen::ArrayXXd clean = synthetic_ecg(beats, 12.0, rate, 12, 0.005, kPaced);
    Eigen::ArrayXXd x = clean;
    add_impulses(x, rate, shifted(beats, -0.1413), 1.0);
    const RPeaks expected = detect_r_peaks(clean, rate), found = detect_r_peaks(x, rate);
    ASSERT_EQ(found.times_s.size(), expected.times_s.size()) << rate;
    std::size_t right = 0;
    for (std::size_t i = 0; i < found.times_s.size(); ++i) {
      right += std::abs(found.times_s[i] - expected.times_s[i]) <= 0.03 ? 1U : 0U;
    }
    // At 100 Hz what is left of an impulse between two samples is the only sharp thing beside wide complexes.
    EXPECT_GE(5 * right, (rate < 200.0 ? 4 : 5) * found.times_s.size()) << rate;
  }
}

}  // namespace
}  // namespace cardiograd::dsp
