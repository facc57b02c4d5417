#include "dsp/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::dsp {
namespace {

// Modified Bessel function of the first kind, order 0, by its power series; all terms are positive.
double bessel_i0(double x) {
  double sum = 1.0, term = 1.0;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= (x / (2.0 * k)) * (x / (2.0 * k));
    sum += term;
  }
  return sum;
}

// SciPy's firwin(2 * half + 1, 1 / ratio, window=("kaiser", 5.0)) times `gain`: unit gain at 0 Hz before that.
std::vector<double> windowed_sinc(int half, int ratio, double gain) {
  constexpr double kBeta = 5.0;
  std::vector<double> taps(static_cast<std::size_t>(2 * half + 1));
  double sum = 0.0;
  for (int n = -half; n <= half; ++n) {
    const double phase = std::numbers::pi * n / ratio;
    const double sinc = n == 0 ? 1.0 : std::sin(phase) / phase;
    const double edge = static_cast<double>(n) / half;
    const double tap = sinc * bessel_i0(kBeta * std::sqrt(std::max(0.0, 1.0 - edge * edge)));
    taps[static_cast<std::size_t>(n + half)] = tap;
    sum += tap;
  }
  for (double& tap : taps) tap *= gain / sum;
  return taps;
}

// The taps that meet input samples at output phase p, in the order of the input: taps[p + k * up] reversed.
std::vector<std::vector<double>> phases(const std::vector<double>& taps, int up) {
  std::vector<std::vector<double>> all(static_cast<std::size_t>(up));
  for (std::size_t i = 0; i < taps.size(); ++i) all[i % static_cast<std::size_t>(up)].push_back(taps[i]);
  for (auto& phase : all) std::reverse(phase.begin(), phase.end());
  return all;
}

}  // namespace

Eigen::ArrayXXd resample_poly(const Eigen::ArrayXXd& signal, int up, int down) {
  constexpr int kLargest = 10000;
  if (up < 1 || down < 1 || up > kLargest || down > kLargest) {
    throw Error(fmt::format("resampling by {} / {}", up, down), "Both numbers must be 1 to 10000.");
  }
  const int common = std::gcd(up, down);
  up /= common;
  down /= common;
  if (up == 1 && down == 1) return signal;
  const int half = 10 * std::max(up, down);
  const auto by_phase = phases(windowed_sinc(half, std::max(up, down), up), up);
  const Eigen::Index samples = signal.rows();
  const Eigen::Index count = (samples * up + down - 1) / down;
  Eigen::ArrayXXd resampled(count, signal.cols());
  for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) {
    const double* column = signal.col(lead).data();
    Eigen::Index phase = half % up, newest = half / up;  // Of output i: i * down + half = newest * up + phase.
    for (Eigen::Index i = 0; i < count; ++i) {
      const auto& taps = by_phase[static_cast<std::size_t>(phase)];
      const Eigen::Index oldest = newest - static_cast<Eigen::Index>(taps.size()) + 1;
      const Eigen::Index first = std::max<Eigen::Index>(0, oldest), last = std::min(samples - 1, newest);
      double sum = 0.0;
      if (first <= last) {
        const Eigen::Index terms = last - first + 1;
        sum = Eigen::Map<const Eigen::VectorXd>(taps.data() + (first - oldest), terms)
                  .dot(Eigen::Map<const Eigen::VectorXd>(column + first, terms));
      }
      resampled(i, lead) = sum;
      newest += (phase + down) / up;
      phase = (phase + down) % up;
    }
  }
  return resampled;
}

}  // namespace cardiograd::dsp
