#include "report/text.h"

#include <cmath>

#include <fmt/format.h>

namespace cardiograd::report {
namespace {

constexpr std::int64_t kMinRecordsForThreeDigits = 100;

}  // namespace

std::string figure(double value, std::int64_t n) {
  if (std::isnan(value)) return kDash;
  return fmt::format("{:.{}f}", value, n < kMinRecordsForThreeDigits ? 2 : 3);
}

std::string with_interval(const evaluation::Interval& interval, std::int64_t n) {
  if (std::isnan(interval.value) || std::isnan(interval.low)) return figure(interval.value, n);
  return fmt::format("{} ({} to {})", figure(interval.value, n), figure(interval.low, n), figure(interval.high, n));
}

std::string fraction_of(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "0 of 0";
  return fmt::format("{} of {} ({:.0f} %)", grouped(part), grouped(whole),
                     100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string grouped(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > (count < 0 ? 1 : 0); at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string counted(std::int64_t count, const std::string& singular) {
  return fmt::format("{} {}{}", grouped(count), singular, count == 1 ? "" : "s");
}

std::string enumerate(const std::vector<std::string>& parts) {
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " and " : ", ";
    text += parts[i];
  }
  return text;
}

}  // namespace cardiograd::report
