// What reaches the electrodes beside the heart.
// Sources: Clifford, Azuaje, McSharry (eds.), Advanced Methods and Tools for ECG Data Analysis (2006), ch. 3; Moody,
// Muldrow and Mark, Computers in Cardiology 11:381 (1984), the noise stress test: baseline wander, muscle, electrode
// motion.
#pragma once

#include <string>
#include <string_view>

#include <Eigen/Core>

#include "base/philox.h"
#include "data/synthetic/rhythm.h"

namespace cardiograd::data::synthetic {

enum class NoiseLevel { kNone, kLow, kTypical, kHigh };

// Throws UsageError unless `name` is "none", "low", "typical" or "high".
NoiseLevel noise_level_of(std::string_view name);

// What an attentive reader would note about the record, in the words of PTB-XL's columns; empty where nothing.
struct NoiseRemarks {
  std::string baseline_drift;
  std::string static_noise;
  std::string burst_noise;
  std::string electrodes_problems;
};

// Adds to potentials (samples x 9, mV) at `rate` Hz: baseline wander with the breath and below it, mains at 50 Hz with
// its third harmonic, muscle (above 20 Hz, with bursts), and steps of an electrode that decay.
NoiseRemarks add_noise(Eigen::ArrayXXd& electrodes, double rate, NoiseLevel level, const Respiration& respiration,
                       PhiloxStream& random);

}  // namespace cardiograd::data::synthetic
