#include "dsp/entropy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

double population_sd(std::span<const double> series) {
  const double centre = mean(series);
  double sum = 0.0;
  for (const double value : series) sum += (value - centre) * (value - centre);
  return std::sqrt(sum / static_cast<double>(series.size()));
}

// Phi of approximate entropy, for templates of `m` values.
double mean_log_share(std::span<const double> series, std::size_t m, double r) {
  const std::size_t count = series.size() - m + 1;
  std::vector<int> matches(count, 1);  // Itself.
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      std::size_t k = 0;
      while (k < m && std::abs(series[i + k] - series[j + k]) <= r) ++k;
      if (k < m) continue;
      ++matches[i];
      ++matches[j];
    }
  }
  double sum = 0.0;
  for (const int match : matches) sum += std::log(static_cast<double>(match) / static_cast<double>(count));
  return sum / static_cast<double>(count);
}

}  // namespace

double sample_entropy(std::span<const double> series, int m, double tolerance) {
  const auto length = static_cast<std::size_t>(m);
  if (series.size() < length + 2) return kMissing;
  const double r = tolerance * population_sd(series);
  if (!(r > 0.0)) return kMissing;
  const std::size_t count = series.size() - length;
  std::size_t shorter = 0, longer = 0;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = i + 1; j < count; ++j) {
      std::size_t k = 0;
      while (k < length && std::abs(series[i + k] - series[j + k]) < r) ++k;
      if (k < length) continue;
      ++shorter;
      if (std::abs(series[i + length] - series[j + length]) < r) ++longer;
    }
  }
  if (shorter == 0 || longer == 0) return kMissing;
  return -std::log(static_cast<double>(longer) / static_cast<double>(shorter));
}

double approximate_entropy(std::span<const double> series, int m, double tolerance) {
  const auto length = static_cast<std::size_t>(m);
  if (series.size() < length + 2) return kMissing;
  const double r = tolerance * population_sd(series);
  if (!(r > 0.0)) return kMissing;
  return mean_log_share(series, length, r) - mean_log_share(series, length + 1, r);
}

double permutation_entropy(std::span<const double> series, int order, int delay) {
  constexpr int kLargestOrder = 6;
  if (order < 2 || order > kLargestOrder || delay < 1) return kMissing;
  const auto length = static_cast<std::size_t>(order), step = static_cast<std::size_t>(delay);
  const std::size_t reach = (length - 1) * step;
  if (series.size() <= reach) return kMissing;
  // A pattern's number: for each value, how many earlier values are larger, in the factorial number system.
  std::array<double, 720> counts{};
  std::size_t patterns = 1;
  for (std::size_t k = 2; k <= length; ++k) patterns *= k;
  for (std::size_t t = 0; t + reach < series.size(); ++t) {
    std::size_t code = 0;
    for (std::size_t k = 1; k < length; ++k) {
      std::size_t larger = 0;
      for (std::size_t j = 0; j < k; ++j) larger += series[t + j * step] > series[t + k * step] ? 1U : 0U;
      code = code * (k + 1) + larger;
    }
    counts[code] += 1.0;
  }
  const auto total = static_cast<double>(series.size() - reach);
  double entropy = 0.0;
  for (std::size_t p = 0; p < patterns; ++p) {
    if (counts[p] > 0.0) entropy -= counts[p] / total * std::log(counts[p] / total);
  }
  return entropy / std::log(static_cast<double>(patterns));
}

double multiscale_permutation_entropy(std::span<const double> series, int order, int delay, int scales) {
  double sum = 0.0;
  for (int scale = 1; scale <= scales; ++scale) {
    const auto width = static_cast<std::size_t>(scale);
    std::vector<double> coarse(series.size() / width);
    for (std::size_t i = 0; i < coarse.size(); ++i) coarse[i] = mean(series.subspan(i * width, width));
    sum += permutation_entropy(coarse, order, delay);
  }
  return scales < 1 ? kMissing : sum / scales;
}

double energy_entropy(std::span<const double> coefficients) {
  double energy = 0.0;
  for (const double d : coefficients) energy += d * d;
  if (!(energy > 0.0)) return kMissing;
  double entropy = 0.0;
  for (const double d : coefficients) {
    const double p = d * d / energy;
    if (p > 0.0) entropy -= p * std::log(p);
  }
  return entropy;
}

}  // namespace cardiograd::dsp
