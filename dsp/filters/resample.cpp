#include "dsp/filters/resample.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <span>
#include <type_traits>
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

// outputs[k] = sum of taps[n] * signal[newest + k * step - (taps - 1) + n], samples outside the signal being 0.
void convolve(std::span<const double> signal, const std::vector<double>& taps, Eigen::Index newest, Eigen::Index step,
              Eigen::Index count, std::vector<double>& outputs) {
  outputs.assign(static_cast<std::size_t>(count), 0.0);
  const auto samples = static_cast<Eigen::Index>(signal.size()), length = static_cast<Eigen::Index>(taps.size());
  // Outputs whose taps all meet samples, by fours: with step 1 their inputs lie side by side.
  const Eigen::Index oldest = newest - length + 1;
  const Eigen::Index first = oldest >= 0 ? 0 : (-oldest + step - 1) / step;
  const Eigen::Index end = newest >= samples ? 0 : std::min(count, (samples - 1 - newest) / step + 1);
  const auto one = [&](Eigen::Index k) {
    const Eigen::Index start = oldest + k * step;
    double sum = 0.0;
    for (Eigen::Index n = std::max<Eigen::Index>(0, -start); n < std::min(length, samples - start); ++n) {
      sum += taps[static_cast<std::size_t>(n)] * signal[static_cast<std::size_t>(start + n)];
    }
    return sum;
  };
  Eigen::Index k = 0;
  for (; k < std::min(first, count); ++k) outputs[static_cast<std::size_t>(k)] = one(k);
  const auto many = [&]<Eigen::Index kLanes>(std::integral_constant<Eigen::Index, kLanes>) {
    for (; step == 1 && k + kLanes <= end; k += kLanes) {
      Eigen::Array<double, kLanes, 1> sums = Eigen::Array<double, kLanes, 1>::Zero();
      const double* x = signal.data() + oldest + k;
      for (Eigen::Index n = 0; n < length; ++n) {
        sums += taps[static_cast<std::size_t>(n)] * Eigen::Map<const Eigen::Array<double, kLanes, 1>>(x + n);
      }
      Eigen::Map<Eigen::Array<double, kLanes, 1>>(outputs.data() + k) = sums;
    }
  };
  many(std::integral_constant<Eigen::Index, 32>());  // Each sum waits for itself: eight AVX registers side by side.
  many(std::integral_constant<Eigen::Index, 8>());
  for (; k < count; ++k) outputs[static_cast<std::size_t>(k)] = one(k);
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
  std::vector<double> outputs;
  for (int p = 0; p < up; ++p) {
    // The outputs with this phase: p' = (half + i * down) % up. They meet inputs that are `down` samples apart.
    Eigen::Index first_output = 0;
    while (first_output < std::min<Eigen::Index>(up, count) && (half + first_output * down) % up != p) ++first_output;
    if (first_output >= std::min<Eigen::Index>(up, count)) continue;
    const auto& taps = by_phase[static_cast<std::size_t>(p)];
    const Eigen::Index of_phase = (count - first_output + up - 1) / up;
    const Eigen::Index newest = (half + first_output * down) / up;
    for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) {
      convolve({signal.col(lead).data(), static_cast<std::size_t>(samples)}, taps, newest, down, of_phase, outputs);
      for (Eigen::Index k = 0; k < of_phase; ++k) {
        resampled(first_output + k * up, lead) = outputs[static_cast<std::size_t>(k)];
      }
    }
  }
  return resampled;
}

}  // namespace cardiograd::dsp
