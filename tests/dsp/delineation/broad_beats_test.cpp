#include "dsp/delineation/broad_beats.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "dsp/delineation/r_peaks.h"
#include "tests/dsp/synthetic_ecg.h"

namespace cardiograd::dsp {
namespace {

using Waves = std::vector<SyntheticWave>;

// Ventricular tachycardia whose intervals differ, and fibrillation: neither regular nor with pauses, but no noise.
TEST(BroadBeats, IrregularBroadRhythmsAreNoNoise) {
  for (const double rate : {100.0, 250.0, 500.0}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      PhiloxStream random(31);
      std::vector<double> beats = {0.2};
      while (beats.back() < 11.0) beats.push_back(beats.back() + random.uniform(0.26, 0.42));
      const Waves waves = {{0.0, 1.0, 0.045}, {0.13, -0.5, 0.055}};
      const Eigen::ArrayXXd x =
          synthetic_ecg(beats, 11.0, rate, leads, 0.01, waves).topRows(static_cast<Eigen::Index>(10.0 * rate));
      std::erase_if(beats, [](double t) { return t > 10.0; });
      const auto count = static_cast<double>(detect_r_peaks(x, rate).times_s.size());
      EXPECT_TRUE(std::abs(count - static_cast<double>(beats.size())) <= 4.0) << rate << " " << leads << ": " << count;
    }
    for (const Eigen::Index leads :
         {1, 12}) {  // Three waves that beat against each other: what a beat is there is open.
      Eigen::ArrayXXd x = synthetic_ecg({}, 10.0, rate, leads, 0.005);
      for (Eigen::Index t = 0; t < x.rows(); ++t) {
        const double seconds = static_cast<double>(t) / rate;
        for (Eigen::Index l = 0; l < leads; ++l) {
          const double phase = 0.4 * static_cast<double>(l);
          x(t, l) += 0.4 * std::sin(2.0 * std::numbers::pi * 4.1 * seconds + phase) +
                     0.3 * std::sin(2.0 * std::numbers::pi * 5.23 * seconds - 2.0 * phase) +
                     0.2 * std::sin(2.0 * std::numbers::pi * 3.37 * seconds + 3.0 * phase);
        }
      }
      const auto count = static_cast<double>(detect_r_peaks(x, rate).times_s.size());
      EXPECT_TRUE(count >= 8.0 && count <= 53.0) << rate << " " << leads << ": " << count;
    }
  }
}

TEST(BroadBeats, NoiseIsNoRhythm) {
  for (const double rate : {100.0, 250.0}) {
    for (const Eigen::Index leads : {1, 2, 12}) {
      for (const double memory : {0.0, 0.9, 1.0}) {  // White noise up to a random walk.
        PhiloxStream random(41);
        Eigen::ArrayXXd x(static_cast<Eigen::Index>(10.0 * rate), leads);
        for (Eigen::Index l = 0; l < leads; ++l) {
          double value = 0.0;
          for (Eigen::Index t = 0; t < x.rows(); ++t) {
            value = memory * value + random.normal();
            x(t, l) = value;
          }
        }
        EXPECT_TRUE(detect_r_peaks(x, rate).times_s.empty()) << rate << " " << leads << " " << memory;
      }
    }
  }
}

}  // namespace
}  // namespace cardiograd::dsp
