#include "dsp/features/spectrum.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <unsupported/Eigen/FFT>

#include "base/error.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// The discrete Fourier transform of real numbers as a convolution with a chirp (Bluestein, IEEE Trans. Audio
// Electroacoust. 18:451, 1970), in O(n log n) for any n. Eigen's takes n times n's largest prime factor: 922 samples,
// 2.56 s at 360 Hz, are twice the prime 461.
class ChirpTransform {
 public:
  explicit ChirpTransform(std::size_t length) : length_(length), chirp_(length) {
    std::size_t padded = 1;
    while (padded < 2 * length - 1) padded *= 2;
    padded_.resize(padded);
    std::vector<std::complex<double>> wrapped(padded);
    for (std::size_t k = 0; k < length; ++k) {
      const double turn = static_cast<double>(k * k % (2 * length)) / static_cast<double>(length);
      chirp_[k] = std::polar(1.0, -std::numbers::pi * turn);
      wrapped[k] = std::conj(chirp_[k]);
      if (k > 0) wrapped[padded - k] = wrapped[k];
    }
    fft_.fwd(kernel_, wrapped);
  }

  // The first `bins` values go to `transformed`.
  void forward(const std::vector<double>& values, std::size_t bins, std::vector<std::complex<double>>& transformed) {
    std::fill(padded_.begin(), padded_.end(), 0.0);
    for (std::size_t k = 0; k < length_; ++k) padded_[k] = values[k] * chirp_[k];
    fft_.fwd(product_, padded_);
    for (std::size_t k = 0; k < product_.size(); ++k) product_[k] *= kernel_[k];
    fft_.inv(padded_, product_);
    transformed.resize(bins);
    for (std::size_t k = 0; k < bins; ++k) transformed[k] = padded_[k] * chirp_[k];
  }

 private:
  std::size_t length_;
  Eigen::FFT<double> fft_;
  std::vector<std::complex<double>> chirp_, kernel_, padded_, product_;
};

std::size_t largest_prime_factor(std::size_t number) {
  std::size_t largest = 1;
  for (std::size_t p = 2; number > 1; ++p) {
    for (; number % p == 0; number /= p) largest = p;
  }
  return largest;
}

}  // namespace

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
  constexpr std::size_t kMaxFactor = 50;  // Above, the chirp is faster.
  std::optional<ChirpTransform> chirp;
  if (largest_prime_factor(length) > kMaxFactor) chirp.emplace(length);
  std::vector<double> buffer(length);
  std::vector<std::complex<double>> transformed;
  double segments = 0.0;
  for (std::size_t start = 0; start + length <= signal.size(); start += hop) {
    const std::span<const double> part = signal.subspan(start, length);
    const double level = mean(part);
    for (std::size_t t = 0; t < length; ++t) buffer[t] = (part[t] - level) * window[t];
    if (chirp) {
      chirp->forward(buffer, bins, transformed);
    } else {
      fft.fwd(transformed, buffer);
    }
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
