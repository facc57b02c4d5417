#include "dsp/features/entropy.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

double population_sd(std::span<const double> series) {
  const double center = mean(series);
  double sum = 0.0;
  for (const double value : series) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(series.size()));
}

// For all pairs of templates that are `lag` samples apart: which of the single values match (1 or 0), one for each
// sample from 0 on. Integers without branches: the compiler makes SIMD code of them.
template <class Match>
void match_values(std::span<const double> series, std::size_t lag, Match match, std::vector<std::int32_t>& values) {
  const std::size_t count = series.size() - lag;
  const double* x = series.data();
  for (std::size_t i = 0; i < count; ++i) values[i] = match(std::abs(x[i] - x[i + lag])) ? 1 : 0;
}

// Ands the matches of values to matches of templates of one value more.
void lengthen(const std::vector<std::int32_t>& values, std::size_t offset, std::size_t count,
              std::vector<std::int32_t>& templates) {
  for (std::size_t i = 0; i < count; ++i) templates[i] &= values[i + offset];
}

// Phi of approximate entropy from each template's number of matches.
double mean_log_fraction(const std::vector<std::int32_t>& matches, std::size_t count) {
  double sum = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    sum += std::log(static_cast<double>(matches[i]) / static_cast<double>(count));
  }
  return sum / static_cast<double>(count);
}

}  // namespace

double sample_entropy(std::span<const double> series, int m, double tolerance) {
  const auto length = static_cast<std::size_t>(m);
  if (series.size() < length + 2) return kMissing;
  const double r = tolerance * population_sd(series);
  if (!(r > 0.0)) return kMissing;
  std::vector<std::int32_t> values(series.size()), templates(series.size());
  std::int64_t shorter = 0, longer = 0;
  for (std::size_t lag = 1; lag + length < series.size(); ++lag) {
    const std::size_t count = series.size() - length - lag;
    match_values(
        series, lag, [r](double distance) { return distance < r; }, values);
    std::fill_n(templates.begin(), count, 1);
    for (std::size_t k = 0; k < length; ++k) lengthen(values, k, count, templates);
    shorter += std::accumulate(templates.begin(), templates.begin() + static_cast<std::ptrdiff_t>(count), 0);
    lengthen(values, length, count, templates);
    longer += std::accumulate(templates.begin(), templates.begin() + static_cast<std::ptrdiff_t>(count), 0);
  }
  if (shorter == 0 || longer == 0) return kMissing;
  return -std::log(static_cast<double>(longer) / static_cast<double>(shorter));
}

double approximate_entropy(std::span<const double> series, int m, double tolerance) {
  const auto length = static_cast<std::size_t>(m);
  if (series.size() < length + 2) return kMissing;
  const double r = tolerance * population_sd(series);
  if (!(r > 0.0)) return kMissing;
  const std::size_t count = series.size() - length + 1;  // Templates of `length` values; one less of one value more.
  std::vector<std::int32_t> values(series.size()), templates(series.size());
  std::vector<std::int32_t> shorter(count, 1), longer(count, 1);  // Each matches itself.
  for (std::size_t lag = 1; lag < count; ++lag) {
    match_values(
        series, lag, [r](double distance) { return distance <= r; }, values);
    std::fill_n(templates.begin(), count - lag, 1);
    for (std::size_t k = 0; k < length; ++k) lengthen(values, k, count - lag, templates);
    for (std::size_t i = 0; i < count - lag; ++i) shorter[i] += templates[i];
    for (std::size_t i = 0; i < count - lag; ++i) shorter[i + lag] += templates[i];
    lengthen(values, length, count - lag - 1, templates);
    for (std::size_t i = 0; i + 1 < count - lag; ++i) longer[i] += templates[i];
    for (std::size_t i = 0; i + 1 < count - lag; ++i) longer[i + lag] += templates[i];
  }
  return mean_log_fraction(shorter, count) - mean_log_fraction(longer, count - 1);
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
