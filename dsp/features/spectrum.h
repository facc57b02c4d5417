// Power spectra.
#pragma once

#include <span>
#include <vector>

namespace cardiograd::dsp {

struct Spectrum {
  std::vector<double> frequency_hz;
  std::vector<double> density;  // Unit squared per Hz, one-sided.
};

// Welch's estimate, equal to scipy.signal.welch(..., nperseg=segment): periodic Hann window, half overlap, each
// segment without its mean. Throws Error unless 2 <= segment <= samples.
Spectrum welch(std::span<const double> signal, double rate, int segment);

// sum f P / sum P over low_hz <= f <= high_hz; NaN where there is no power.
double spectral_centroid(const Spectrum& spectrum, double low_hz, double high_hz);

}  // namespace cardiograd::dsp
