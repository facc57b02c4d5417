#include "data/synthetic/noise.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "data/synthetic/body.h"

namespace cardiograd::data::synthetic {
namespace {

constexpr double kTwoPi = 6.283185307179586;

std::string_view electrode_name(Eigen::Index e) {
  constexpr std::string_view kNames[] = {"RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6"};
  return kNames[e];
}

// sin(2π·hz·t + phase) sample by sample: a rotation by a fixed angle instead of a sine each.
class Oscillator {
 public:
  Oscillator(double hz, double rate, double phase)
      : cosine_(std::cos(kTwoPi * hz / rate)),
        sine_(std::sin(kTwoPi * hz / rate)),
        x_(std::cos(phase)),
        y_(std::sin(phase)) {}
  double next() {
    const double value = y_;
    const double x = x_ * cosine_ - y_ * sine_;
    y_ = x_ * sine_ + y_ * cosine_;
    x_ = x;
    return value;
  }

 private:
  double cosine_, sine_, x_, y_;
};

// Factor of all amplitudes.
double strength(NoiseLevel level) {
  switch (level) {
    case NoiseLevel::kNone:
      return 0;
    case NoiseLevel::kLow:
      return 0.35;
    case NoiseLevel::kTypical:
      return 1;
    case NoiseLevel::kHigh:
      return 2.6;
  }
  return 0;
}

// Breath and five slow oscillations below 0.4 Hz, per electrode.
bool add_wander(Eigen::ArrayXXd& electrodes, double rate, double size, const Respiration& respiration,
                PhiloxStream& random) {
  const double record = size * 0.045 * std::exp(0.6 * std::clamp(random.normal(), -2.0, 2.0));
  for (Eigen::Index e = 0; e < kElectrodes; ++e) {
    Oscillator breath(respiration.rate_hz, rate, respiration.phase);
    const double amplitude = record * random.normal();
    for (Eigen::Index i = 0; i < electrodes.rows(); ++i) electrodes(i, e) += amplitude * breath.next();
    for (int k = 0; k < 5; ++k) {
      const double slow_amplitude = 0.6 * record * random.normal();
      const double hz = random.uniform(0.04, 0.4);
      Oscillator slow(hz, rate, kTwoPi * random.uniform());
      for (Eigen::Index i = 0; i < electrodes.rows(); ++i) electrodes(i, e) += slow_amplitude * slow.next();
    }
  }
  return record > 0.075;
}

// One source, coupled into each electrode by its own cable.
bool add_mains(Eigen::ArrayXXd& electrodes, double rate, double size, PhiloxStream& random) {
  const double record = size * 0.004 * std::exp(0.9 * std::clamp(random.normal(), -2.0, 2.0));
  const double hz = 50 + 0.05 * random.normal();
  const double phase = kTwoPi * random.uniform();
  for (Eigen::Index e = 0; e < kElectrodes; ++e) {
    const double coupling = record * random.uniform(0.3, 1.7);
    const double start = phase + 0.3 * random.normal();
    Oscillator mains(hz, rate, start);
    Oscillator harmonic(3 * hz, rate, 3 * start);
    for (Eigen::Index i = 0; i < electrodes.rows(); ++i)
      electrodes(i, e) += coupling * (mains.next() + 0.15 * harmonic.next());
  }
  return record > 0.012;
}

// White noise without its lower part (a first-order high-pass at 20 Hz); in a burst it is several times stronger.
bool add_muscle(Eigen::ArrayXXd& electrodes, double rate, double size, PhiloxStream& random) {
  const double record = size * 0.013 * std::exp(0.5 * std::clamp(random.normal(), -2.0, 2.0));
  const double pole = std::exp(-kTwoPi * 20 / rate);
  const double seconds = static_cast<double>(electrodes.rows()) / rate;
  bool has_burst = false;
  for (Eigen::Index e = 0; e < kElectrodes; ++e) {
    const double electrode = record * random.uniform(0.5, 1.5) * (e < kV1 ? 1.3 : 1.0);
    const bool burst = random.uniform() < 0.05;
    const double middle = seconds * random.uniform();
    const double width = random.uniform(0.15, 0.8);
    const double gain = burst ? random.uniform(2.0, 6.0) : 0.0;
    has_burst = has_burst || gain * electrode > 0.04;
    double low = 0;
    for (Eigen::Index i = 0; i < electrodes.rows(); ++i) {
      const double white = random.normal();
      low = pole * low + (1 - pole) * white;
      const double u = (static_cast<double>(i) / rate - middle) / width;
      electrodes(i, e) += electrode * (1 + (std::abs(u) < 5 ? gain * std::exp(-0.5 * u * u) : 0.0)) * (white - low);
    }
  }
  return has_burst;
}

// An electrode that moves: its half-cell potential jumps and comes back through the amplifier's high-pass.
std::string add_steps(Eigen::ArrayXXd& electrodes, double rate, double size, PhiloxStream& random) {
  std::string names;
  const double seconds = static_cast<double>(electrodes.rows()) / rate;
  for (Eigen::Index e = 0; e < kElectrodes; ++e) {
    const bool moves = random.uniform() < 0.012 * size;
    const double at = seconds * random.uniform();
    const double height = random.uniform(0.15, 0.7) * (random.uniform() < 0.5 ? -1 : 1);
    const double decay = random.uniform(0.2, 1.5);
    if (!moves) continue;
    for (Eigen::Index i = 0; i < electrodes.rows(); ++i) {
      const double t = static_cast<double>(i) / rate - at;
      if (t >= 0) electrodes(i, e) += height * std::exp(-t / decay);
    }
    names += fmt::format("{}{}", names.empty() ? "" : ",", electrode_name(e));
  }
  return names;
}

}  // namespace

NoiseLevel noise_level_of(std::string_view name) {
  if (name == "none") return NoiseLevel::kNone;
  if (name == "low") return NoiseLevel::kLow;
  if (name == "typical") return NoiseLevel::kTypical;
  if (name == "high") return NoiseLevel::kHigh;
  throw UsageError(fmt::format("--noise {}: unknown level", name), "Use none, low, typical or high.");
}

NoiseRemarks add_noise(Eigen::ArrayXXd& electrodes, double rate, NoiseLevel level, const Respiration& respiration,
                       PhiloxStream& random) {
  const double size = strength(level);
  NoiseRemarks remarks;
  if (size == 0) return remarks;
  if (add_wander(electrodes, rate, size, respiration, random)) remarks.baseline_drift = "alles";
  if (add_mains(electrodes, rate, size, random)) remarks.static_noise = "alles";
  if (add_muscle(electrodes, rate, size, random)) remarks.burst_noise = "alles";
  remarks.electrodes_problems = add_steps(electrodes, rate, size, random);
  return remarks;
}

}  // namespace cardiograd::data::synthetic
