#include "dsp/features/lead_entropies.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include <Eigen/Eigenvalues>
#include <unsupported/Eigen/FFT>

#include "dsp/features/entropy.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// -p ln p
double term(double p) {
  return p > 0.0 ? -p * std::log(p) : 0.0;
}

// -sum p ln p, p the parts divided by their sum.
double spread(std::span<const double> parts) {
  double total = 0.0, entropy = 0.0;
  for (const double part : parts) total += part;
  if (!(total > 0.0)) return kMissing;
  for (const double part : parts) entropy += term(part / total);
  return entropy;
}

std::array<double, kAmplitudeBins> amplitude_fractions(std::span<const double> samples, double least, double largest) {
  std::array<double, kAmplitudeBins> fractions{};
  const double per_bin = static_cast<double>(kAmplitudeBins) / (largest - least);
  for (const double sample : samples) {
    const auto bin = static_cast<std::size_t>((sample - least) * per_bin);
    fractions[std::min(bin, kAmplitudeBins - 1)] += 1.0 / static_cast<double>(samples.size());
  }
  return fractions;
}

double spectral_entropy(std::span<const double> samples) {
  const double level = mean(samples);
  std::vector<double> centered(samples.begin(), samples.end());
  for (double& value : centered) value -= level;
  std::vector<std::complex<double>> transformed;
  Eigen::FFT<double> fft;
  fft.fwd(transformed, centered);
  const std::size_t bins = samples.size() / 2 + 1;
  std::vector<double> power(bins);
  for (std::size_t k = 1; k < bins; ++k) {  // The mean is taken away: the first is 0.
    const bool twice = !(samples.size() % 2 == 0 && k == bins - 1);
    power[k] = (twice ? 2.0 : 1.0) * std::norm(transformed[k]);
  }
  return spread(power) / std::log(static_cast<double>(bins));
}

double svd_entropy(std::span<const double> samples) {
  constexpr std::size_t kOrder = 3;
  Eigen::Matrix3d gram = Eigen::Matrix3d::Zero();
  for (std::size_t t = 0; t + kOrder <= samples.size(); ++t) {
    const Eigen::Vector3d triple(samples[t], samples[t + 1], samples[t + 2]);
    gram += triple * triple.transpose();
  }
  const Eigen::Vector3d squares =
      Eigen::SelfAdjointEigenSolver<Eigen::Matrix3d>(gram, Eigen::EigenvaluesOnly).eigenvalues();
  std::array<double, kOrder> singular{};
  for (std::size_t i = 0; i < kOrder; ++i)
    singular[i] = std::sqrt(std::max(0.0, squares[static_cast<Eigen::Index>(i)]));
  return spread(singular);
}

}  // namespace

std::array<double, kLeadEntropies> lead_entropies(std::span<const double> samples) {
  std::array<double, kLeadEntropies> all;
  all.fill(kMissing);
  constexpr std::size_t kLeast = 4;
  if (samples.size() < kLeast ||
      !std::all_of(samples.begin(), samples.end(), [](double x) { return std::isfinite(x); }))
    return all;
  const auto [least, largest] = std::minmax_element(samples.begin(), samples.end());
  if (!(*largest - *least > 0.0) || !std::isfinite(*largest - *least)) return all;
  double shannon = 0.0, squares = 0.0, extropy = 0.0;
  for (const double p : amplitude_fractions(samples, *least, *largest)) {
    shannon += term(p);
    squares += p * p;
    extropy += term(1.0 - p);
  }
  return {shannon,
          -std::log(squares),
          1.0 - squares,
          extropy,
          approximate_entropy(samples),
          sample_entropy(samples),
          permutation_entropy(samples),
          spectral_entropy(samples),
          svd_entropy(samples)};
}

}  // namespace cardiograd::dsp
