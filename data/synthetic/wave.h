// The heart's electric activity as a moving dipole: each wave is a sum of Gaussians in time, in three axes.
// Sources: McSharry et al., IEEE Trans. Biomed. Eng. 50:289 (2003), ECGSYN: Gaussians per wave; Sameni et al., EURASIP
// J. Adv. Signal Process. 2007:43407: the same in the three axes of the vectorcardiogram.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::data::synthetic {

// Frank's axes: x to the left, y to the feet, z to the back. Millivolts.
using Vector3 = Eigen::Vector3d;

// amplitude · exp(-((t - time_s) / sigma_s)² / 2)
struct Gaussian {
  double time_s;
  double sigma_s;
  Vector3 amplitude;
};
using Waves = std::vector<Gaussian>;

// Lead vectors, one row per lead: lead voltage = row · dipole.
using LeadVectors = Eigen::Matrix<double, 12, 3>;

// A wave begins and ends where it has fallen to 2 % of its peak: for one Gaussian kReach · sigma from its middle.
inline constexpr double kBoundaryFraction = 0.02;
inline constexpr double kReach = 2.7971495;  // sqrt(2 ln 50)

// Where a wave begins, peaks and ends, in the time of `waves`; `peak` is the voltage there, with its sign.
struct WaveExtent {
  double onset_s;
  double peak_s;
  double offset_s;
  double peak;
};

// In one lead: the outermost times at which |voltage| reaches 2 % of its maximum. `waves` must not be empty.
WaveExtent lead_extent(const Waves& waves, const Eigen::RowVector3d& lead);

// Over all leads: the same of the root of the sum over the leads of the squared voltages.
WaveExtent global_extent(const Waves& waves, const LeadVectors& leads);

// The dipole at time t.
Vector3 dipole_at(const Waves& waves, double t);

// Times and widths relative to `origin_s` multiplied by `factor`.
void stretch(Waves& waves, double factor, double origin_s = 0);
void shift(Waves& waves, double seconds);
void scale(Waves& waves, double factor);

}  // namespace cardiograd::data::synthetic
