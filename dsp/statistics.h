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

// A value by its place in ascending order, from 0 on, and the one before it; -infinity before the first.
struct OrderStatistic {
  double before, at;
};
// `rank` is less than the number of values. Takes time in proportion to that number, and overwrites the values.
OrderStatistic order_statistic(std::span<double> values, std::size_t rank);

// The middle value, or the mean of the middle two of an even number; NaN of none. Overwrites the values.
inline double median_in_place(std::span<double> values) {
  if (values.empty()) return kMissing;
  const OrderStatistic middle = order_statistic(values, values.size() / 2);
  return values.size() % 2 == 1 ? middle.at : 0.5 * (middle.at + middle.before);
}
// The same of a copy.
inline double median(std::vector<double> values) {
  return median_in_place(values);
}

// The value that the given fraction (0 ... 1) of the others lie below, no interpolation: the floor(fraction (n - 1))-th
// in order; NaN of none.
inline double lower_quantile(std::vector<double> values, double fraction) {
  if (values.empty()) return kMissing;
  return order_statistic(values, static_cast<std::size_t>(fraction * static_cast<double>(values.size() - 1))).at;
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
