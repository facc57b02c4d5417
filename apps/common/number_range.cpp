#include "apps/common/number_range.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::apps {
namespace {

// Takes what fits(number) says; others are told what was expected. CLI11 puts the option's name before the message.
template <class Number, class Fits>
CLI::Validator numbers(const std::string& shown, const std::string& expected, Fits fits) {
  const auto check = [expected, fits](const std::string& text) -> std::string {
    Number number{};  // Not as CLI11 reads it, which takes the largest for those beyond.
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && fits(number)) return {};
    return fmt::format("found '{}', expected {}", text, expected);
  };
  return {check, shown};
}

}  // namespace

CLI::Validator number_from_to(double min, double max) {
  return numbers<double>(fmt::format("FLOAT in [{:g} - {:g}]", min, max),
                         fmt::format("a number from {:g} to {:.10g}", min, max),
                         [min, max](double x) { return x >= min && x <= max; });
}

CLI::Validator count_from_to(std::int64_t min, std::int64_t max) {
  return numbers<std::int64_t>(fmt::format("INT in [{} - {}]", min, max),
                               fmt::format("a whole number from {} to {}", min, max),
                               [min, max](std::int64_t x) { return x >= min && x <= max; });
}

CLI::Validator count_from(std::int64_t min) {
  return numbers<std::int64_t>(fmt::format("INT from {}", min), fmt::format("a whole number from {} on", min),
                               [min](std::int64_t x) { return x >= min; });
}

CLI::Validator fold_number() {
  return count_from_to(1, 1000);
}

void check_folds(const std::vector<std::int64_t>& folds) {
  for (auto fold = folds.begin(); fold != folds.end(); ++fold)
    if (std::find(folds.begin(), fold, *fold) != fold)
      throw UsageError(fmt::format("--fold: {} is there twice", *fold), "Name each fold once.");
}

CLI::Validator positive_number() {
  return numbers<double>("POSITIVE", "a number above 0", [](double x) { return std::isfinite(x) && x > 0; });
}

CLI::Validator number_from_zero() {
  return numbers<double>("NONNEGATIVE", "0 or a number above", [](double x) { return std::isfinite(x) && x >= 0; });
}

}  // namespace cardiograd::apps
