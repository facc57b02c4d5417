#include "dsp/filters/butterworth.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/filters/gaps.h"

namespace cardiograd::dsp {
namespace {

using Complex = std::complex<double>;

// Zeros, poles and gain.
struct Zpk {
  std::vector<Complex> zeros;
  std::vector<Complex> poles;
  double gain = 1.0;
};

constexpr double kDesignRate = 2.0;  // Frequencies below are in units of the Nyquist rate, as SciPy does it.

double warped(double hz, double rate) {
  return 2.0 * kDesignRate * std::tan(std::numbers::pi * hz / rate);
}

// Poles of the analog low-pass with cut-off 1 rad/s, on the left half of the unit circle.
std::vector<Complex> prototype_poles(int order) {
  std::vector<Complex> poles;
  for (int m = -order + 1; m < order; m += 2) {
    poles.push_back(m == 0 ? Complex(-1.0) : -std::exp(Complex(0.0, std::numbers::pi * m / (2.0 * order))));
  }
  return poles;
}

Zpk analog_lowpass(int order, double cutoff) {
  Zpk filter;
  for (const Complex& p : prototype_poles(order)) filter.poles.push_back(p * cutoff);
  filter.gain = std::pow(cutoff, order);
  return filter;
}

Zpk analog_highpass(int order, double cutoff) {
  Zpk filter;
  Complex product = 1.0;
  for (const Complex& p : prototype_poles(order)) {
    filter.poles.push_back(cutoff / p);
    product *= -p;
  }
  filter.zeros.assign(static_cast<std::size_t>(order), 0.0);
  filter.gain = 1.0 / product.real();
  return filter;
}

Zpk analog_bandpass(int order, double low, double high) {
  Zpk filter;
  const double width = high - low;
  const double center = std::sqrt(low * high);
  std::vector<Complex> lower;
  for (const Complex& p : prototype_poles(order)) {
    const Complex scaled = p * width / 2.0;
    const Complex root = std::sqrt(scaled * scaled - center * center);
    filter.poles.push_back(scaled + root);
    lower.push_back(scaled - root);
  }
  filter.poles.insert(filter.poles.end(), lower.begin(), lower.end());
  filter.zeros.assign(static_cast<std::size_t>(order), 0.0);
  filter.gain = std::pow(width, order);
  return filter;
}

Zpk bilinear(const Zpk& analog) {
  const double fs2 = 2.0 * kDesignRate;
  Zpk digital;
  Complex numerator = 1.0, denominator = 1.0;
  for (const Complex& z : analog.zeros) {
    digital.zeros.push_back((fs2 + z) / (fs2 - z));
    numerator *= fs2 - z;
  }
  for (const Complex& p : analog.poles) {
    digital.poles.push_back((fs2 + p) / (fs2 - p));
    denominator *= fs2 - p;
  }
  digital.zeros.resize(analog.poles.size(), -1.0);  // Zeros at infinity go to the Nyquist rate.
  digital.gain = analog.gain * (numerator / denominator).real();
  return digital;
}

bool is_real(const Complex& value) {
  return value.imag() == 0.0;
}

// One of each conjugate pair (imaginary part above 0), sorted by real part, then the real poles in ascending order.
// Rounding leaves tiny imaginary parts on poles that are real.
std::vector<Complex> upper_half(const std::vector<Complex>& poles) {
  std::vector<Complex> complex_poles, real_poles;
  for (const Complex& p : poles) {
    if (std::abs(p.imag()) <= 100 * std::numeric_limits<double>::epsilon() * std::abs(p)) {
      real_poles.push_back(p.real());
    } else if (p.imag() > 0.0) {
      complex_poles.push_back(p);
    }
  }
  const auto by_real_part = [](const Complex& a, const Complex& b) { return a.real() < b.real(); };
  std::sort(complex_poles.begin(), complex_poles.end(), by_real_part);
  std::sort(real_poles.begin(), real_poles.end(), by_real_part);
  complex_poles.insert(complex_poles.end(), real_poles.begin(), real_poles.end());
  return complex_poles;
}

// Removes and returns the pole nearest to the unit circle, among the real ones only if asked.
Complex take_worst(std::vector<Complex>& poles, bool real_only) {
  auto worst = poles.end();
  for (auto p = poles.begin(); p != poles.end(); ++p) {
    if (real_only && !is_real(*p)) continue;
    if (worst == poles.end() || std::abs(1.0 - std::abs(*p)) < std::abs(1.0 - std::abs(*worst))) worst = p;
  }
  const Complex pole = *worst;
  poles.erase(worst);
  return pole;
}

double take_nearest(std::vector<double>& zeros, const Complex& to) {
  const auto nearest = std::min_element(zeros.begin(), zeros.end(),
                                        [&](double a, double b) { return std::abs(a - to) < std::abs(b - to); });
  const double zero = *nearest;
  zeros.erase(nearest);
  return zero;
}

// SciPy's zpk2sos with pairing "nearest", for filters whose zeros are all real, as Butterworth's are: the poles nearest
// to the unit circle come last, each pair with the zeros nearest to it.
Sos sections(const Zpk& filter) {
  std::vector<Complex> poles = upper_half(filter.poles);
  std::vector<double> zeros;
  for (const Complex& z : filter.zeros) zeros.push_back(z.real());
  if (filter.poles.size() % 2 == 1) {
    poles.push_back(0.0);
    zeros.push_back(0.0);
  }
  std::sort(zeros.begin(), zeros.end());
  const auto count = static_cast<Eigen::Index>((filter.poles.size() + 1) / 2);
  Sos sos(count, 6);
  for (Eigen::Index s = count - 1; s >= 0; --s) {
    const Complex first = take_worst(poles, false);
    const Complex second = is_real(first) ? take_worst(poles, true) : std::conj(first);
    const double zero_1 = take_nearest(zeros, first);
    const double zero_2 = take_nearest(zeros, first);
    sos.row(s) << 1.0, -(zero_1 + zero_2), zero_1 * zero_2, 1.0, -(first + second).real(), (first * second).real();
  }
  sos.block<1, 3>(0, 0) *= filter.gain;
  return sos;
}

void check(int order, double low_hz, double high_hz, double rate) {
  if (order < 1 || order > 12) {
    throw Error(fmt::format("Butterworth filter of order {}", order), "Orders 1 to 12 are possible.");
  }
  if (!(low_hz > 0.0 && low_hz <= high_hz && high_hz < rate / 2.0)) {
    throw Error(
        fmt::format("Butterworth cut-off {} ... {} Hz does not fit a sampling rate of {} Hz", low_hz, high_hz, rate),
        "Cut-offs must lie in ascending order between 0 and half the sampling rate.");
  }
}

}  // namespace

Sos butterworth_lowpass(int order, double cutoff_hz, double rate) {
  check(order, cutoff_hz, cutoff_hz, rate);
  return sections(bilinear(analog_lowpass(order, warped(cutoff_hz, rate))));
}

Sos butterworth_highpass(int order, double cutoff_hz, double rate) {
  check(order, cutoff_hz, cutoff_hz, rate);
  return sections(bilinear(analog_highpass(order, warped(cutoff_hz, rate))));
}

Sos butterworth_bandpass(int order, double low_hz, double high_hz, double rate) {
  check(order, low_hz, high_hz, rate);
  if (low_hz == high_hz) {
    throw Error(fmt::format("Butterworth band-pass from {} to {} Hz has no width", low_hz, high_hz),
                "Give a low cut-off below the high one.");
  }
  return sections(bilinear(analog_bandpass(order, warped(low_hz, rate), warped(high_hz, rate))));
}

Eigen::ArrayXXd zero_phase(const Sos& sos, const Eigen::ArrayXXd& signal, std::optional<Eigen::Index> padlen) {
  if (signal.isFinite().all()) return sosfiltfilt(sos, signal, padlen);
  Eigen::ArrayXXd filled = signal;
  for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) fill_gaps(filled.col(lead));
  Eigen::ArrayXXd filtered = sosfiltfilt(sos, filled, padlen);
  restore_gaps(signal, filtered);
  return filtered;
}

Eigen::ArrayXXd butterworth_bandpass_zero_phase(const Eigen::ArrayXXd& signal, double rate, double low_hz,
                                                double high_hz, int order) {
  return zero_phase(butterworth_bandpass(order, low_hz, high_hz, rate), signal);
}

}  // namespace cardiograd::dsp
