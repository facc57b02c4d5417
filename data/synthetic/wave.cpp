#include "data/synthetic/wave.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cardiograd::data::synthetic {
namespace {

constexpr double kStep = 0.001;  // Seconds between the points at which waves are searched.

// Onset and offset are interpolated between the points.
template <class Voltage>
WaveExtent extent_of(const Waves& waves, Voltage voltage) {
  double from = std::numeric_limits<double>::infinity();
  double to = -from;
  for (const Gaussian& wave : waves) {
    from = std::min(from, wave.time_s - 4.5 * wave.sigma_s);
    to = std::max(to, wave.time_s + 4.5 * wave.sigma_s);
  }
  const auto points = static_cast<std::size_t>((to - from) / kStep) + 2;
  std::vector<double> values(points);
  std::size_t peak = 0;
  for (std::size_t i = 0; i < points; ++i) {
    values[i] = voltage(from + static_cast<double>(i) * kStep);
    if (std::abs(values[i]) > std::abs(values[peak])) peak = i;
  }
  const double level = kBoundaryFraction * std::abs(values[peak]);
  std::size_t first = 0;
  while (first < peak && std::abs(values[first]) < level) ++first;
  std::size_t last = points - 1;
  while (last > peak && std::abs(values[last]) < level) --last;
  const auto crossing = [&](std::size_t inside, std::size_t outside) {
    const double a = std::abs(values[inside]);
    const double b = std::abs(values[outside]);
    const double fraction = a > b ? std::clamp((a - level) / (a - b), 0.0, 1.0) : 0.0;
    return from + kStep * (static_cast<double>(inside) +
                           fraction * (static_cast<double>(outside) - static_cast<double>(inside)));
  };
  return {crossing(first, first == 0 ? 0 : first - 1), from + static_cast<double>(peak) * kStep,
          crossing(last, std::min(last + 1, points - 1)), values[peak]};
}

}  // namespace

Vector3 dipole_at(const Waves& waves, double t) {
  Vector3 sum = Vector3::Zero();
  for (const Gaussian& wave : waves) {
    const double u = (t - wave.time_s) / wave.sigma_s;
    if (std::abs(u) < 6) sum += std::exp(-0.5 * u * u) * wave.amplitude;
  }
  return sum;
}

WaveExtent lead_extent(const Waves& waves, const Eigen::RowVector3d& lead) {
  return extent_of(waves, [&](double t) { return lead.dot(dipole_at(waves, t).transpose()); });
}

WaveExtent global_extent(const Waves& waves, const LeadVectors& leads) {
  return extent_of(waves, [&](double t) { return (leads * dipole_at(waves, t)).norm(); });
}

void stretch(Waves& waves, double factor, double origin_s) {
  for (Gaussian& wave : waves) {
    wave.time_s = origin_s + factor * (wave.time_s - origin_s);
    wave.sigma_s *= factor;
  }
}

void shift(Waves& waves, double seconds) {
  for (Gaussian& wave : waves) wave.time_s += seconds;
}

void scale(Waves& waves, double factor) {
  for (Gaussian& wave : waves) wave.amplitude *= factor;
}

}  // namespace cardiograd::data::synthetic
