// Statistics of a few numbers, for delineation and features alike; NaN where there are too few. Nothing throws. Values
// must not be NaN: their order would be undefined.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace cardiograd::dsp {

// Stands for a value that is not there.
inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

// Arithmetic mean; NaN of none.
inline double mean(std::span<const double> values) {
  if (values.empty()) return kMissing;
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// Standard deviation with n - 1; NaN of fewer than two.
inline double sample_sd(std::span<const double> values) {
  if (values.size() < 2) return kMissing;
  const double center = mean(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

// The middle value, or the mean of the middle two of an even number; NaN of none. Reorders the values.
inline double median_in_place(std::span<double> values) {
  if (values.empty()) return kMissing;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}
// The same of a copy.
inline double median(std::vector<double> values) {
  return median_in_place(values);
}

// The value that the given fraction (0 ... 1) of the others lie below, no interpolation: the floor(fraction (n - 1))-th
// in order; NaN of none.
inline double lower_quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return kMissing;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Of pairs (value, weight), weights 0 or more: the value at half the weight, or the mean of the two that meet there;
// NaN of none.
inline double weighted_median(std::vector<std::pair<double, double>> values) {
  std::sort(values.begin(), values.end());
  double total = 0.0;
  for (const auto& [value, weight] : values) total += weight;
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += values[i].second;
    if (sum > 0.5 * total) return values[i].first;
    if (sum == 0.5 * total) return 0.5 * (values[i].first + values[std::min(i + 1, values.size() - 1)].first);
  }
  return kMissing;
}

}  // namespace cardiograd::dsp
