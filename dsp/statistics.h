// Mean, sample standard deviation and median of a few numbers; NaN where there are too few.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

namespace cardiograd::dsp {

inline constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

inline double mean(std::span<const double> values) {
  if (values.empty()) return kMissing;
  double sum = 0.0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

// With n - 1.
inline double sample_sd(std::span<const double> values) {
  if (values.size() < 2) return kMissing;
  const double center = mean(values);
  double sum = 0.0;
  for (const double value : values) sum += (value - center) * (value - center);
  return std::sqrt(sum / static_cast<double>(values.size() - 1));
}

// The mean of the middle two of an even number. Reorders the values.
inline double median_in_place(std::span<double> values) {
  if (values.empty()) return kMissing;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}
inline double median(std::vector<double> values) {
  return median_in_place(values);
}

}  // namespace cardiograd::dsp
