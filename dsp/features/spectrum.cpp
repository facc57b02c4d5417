#include "dsp/features/spectrum.h"

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>

#include <fmt/format.h>
#include <unsupported/Eigen/FFT>

#include "base/error.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {

Spectrum welch(std::span<const double> signal, double rate, int segment) {
  if (segment < 2 || static_cast<std::size_t>(segment) > signal.size()) {
    throw Error(fmt::format("Welch spectrum: segments of {} samples from {} samples", segment, signal.size()),
                "Segments must have 2 samples or more and fit into the signal.");
  }
  const auto length = static_cast<std::size_t>(segment);
  std::vector<double> window(length);
  double energy = 0.0;
  for (std::size_t t = 0; t < length; ++t) {
    window[t] = 0.5 - 0.5 * std::cos(2.0 * std::numbers::pi * static_cast<double>(t) / segment);
    energy += window[t] * window[t];
  }
  const std::size_t bins = length / 2 + 1, hop = length - length / 2;
  Spectrum spectrum{std::vector<double>(bins), std::vector<double>(bins, 0.0)};
  Eigen::FFT<double> fft;
  std::vector<double> buffer(length);
  std::vector<std::complex<double>> transformed;
  double segments = 0.0;
  for (std::size_t start = 0; start + length <= signal.size(); start += hop) {
    const std::span<const double> part = signal.subspan(start, length);
    const double level = mean(part);
    for (std::size_t t = 0; t < length; ++t) buffer[t] = (part[t] - level) * window[t];
    fft.fwd(transformed, buffer);
    for (std::size_t k = 0; k < bins; ++k) spectrum.density[k] += std::norm(transformed[k]);
    segments += 1.0;
  }
  for (std::size_t k = 0; k < bins; ++k) {
    const bool twice = k != 0 && !(length % 2 == 0 && k == bins - 1);  // Negative frequencies are folded in.
    spectrum.frequency_hz[k] = static_cast<double>(k) * rate / segment;
    spectrum.density[k] *= (twice ? 2.0 : 1.0) / (rate * energy * segments);
  }
  return spectrum;
}

double spectral_centroid(const Spectrum& spectrum, double low_hz, double high_hz) {
  double weighted = 0.0, power = 0.0;
  for (std::size_t k = 0; k < spectrum.density.size(); ++k) {
    const double f = spectrum.frequency_hz[k];
    if (f < low_hz || f > high_hz) continue;
    weighted += f * spectrum.density[k];
    power += spectrum.density[k];
  }
  return power > 0.0 ? weighted / power : kMissing;
}

}  // namespace cardiograd::dsp
