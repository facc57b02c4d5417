// A made-up ECG for tests: Gaussian P, Q, R, S and T waves at given times, with known boundaries.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "base/philox.h"
#include "dsp/delineation/working_signal.h"

namespace cardiograd::dsp {

struct SyntheticWave {
  double delay_s;  // Of its peak from the R peak.
  double amplitude;
  double sigma_s;
};

inline const std::vector<SyntheticWave> kSinusBeat = {
    {-0.16, 0.12, 0.022}, {-0.028, -0.10, 0.009}, {0.0, 1.0, 0.011}, {0.028, -0.2, 0.010}, {0.28, 0.3, 0.045}};

// Samples x leads in mV: lead l is the beat times gain 1, 0.8, -0.6, 1.2, 0.5, -0.9, ... and Gaussian noise of SD
// `noise`.
inline Eigen::ArrayXXd synthetic_ecg(std::span<const double> beats_s, double seconds, double rate, Eigen::Index leads,
                                     double noise = 0.005, const std::vector<SyntheticWave>& waves = kSinusBeat) {
  constexpr double kGains[] = {1.0, 0.8, -0.6, 1.2, 0.5, -0.9, 0.7};
  const auto samples = static_cast<Eigen::Index>(std::lround(seconds * rate));
  Eigen::ArrayXd beat_sum = Eigen::ArrayXd::Zero(samples);
  for (const double beat : beats_s) {
    for (const SyntheticWave& wave : waves) {
      const double peak = (beat + wave.delay_s) * rate;
      const double reach = 8.0 * wave.sigma_s * rate;
      const auto from = std::max<Eigen::Index>(0, static_cast<Eigen::Index>(peak - reach));
      const auto to = std::min(samples, static_cast<Eigen::Index>(peak + reach) + 1);
      for (Eigen::Index t = from; t < to; ++t) {
        const double u = (static_cast<double>(t) - peak) / (wave.sigma_s * rate);
        beat_sum[t] += wave.amplitude * std::exp(-0.5 * u * u);
      }
    }
  }
  Eigen::ArrayXXd signal(samples, leads);
  for (Eigen::Index l = 0; l < leads; ++l) {
    PhiloxStream random(7, static_cast<std::uint64_t>(l));
    for (Eigen::Index t = 0; t < samples; ++t) signal(t, l) = kGains[l % 7] * beat_sum[t] + noise * random.normal();
  }
  return signal;
}

// First beat at `start`, then every `interval` while at least 0.4 s remain.
inline std::vector<double> regular_beats(double seconds, double interval = 0.8, double start = 0.5) {
  std::vector<double> beats;
  double next = start;
  while (next < seconds - 0.4) {
    beats.push_back(next);
    next += interval;
  }
  return beats;
}

// The samples as they are, not filtered, as the signal that delineation works on.
inline WorkingSignal unfiltered(const Eigen::ArrayXXd& samples, double rate) {
  return {samples, rate, std::vector<char>(static_cast<std::size_t>(samples.cols()), 1), {}};
}

}  // namespace cardiograd::dsp
