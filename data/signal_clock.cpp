// Clock times in cells of data/signal_table.h. Only differences between them matter.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>

#include "data/signal_table.h"

namespace cardiograd::data {
namespace {

constexpr double kSecondsPerDay = 86400;
constexpr double kSecondsPerHour = 3600;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

int to_int(std::string_view digits) {
  int value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

void trim(std::string_view& text) {
  const auto first = std::min(text.find_first_not_of(" \t\r"), text.size());
  text.remove_prefix(first);
  text = text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

// Days from a day near the year 2000: numbers are small, and so exact to the microsecond.
double day_number(int year, int month, int day) {
  const int m = (month + 9) % 12, y = month <= 2 ? year - 1 : year;
  const int days = 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1;
  constexpr int kNear2000 = 730'000;
  return days - kNear2000;
}

// The number of "Mar" or "March"; 0 of anything else.
int month_named(std::string_view word) {
  constexpr std::size_t kShort = 3;
  constexpr std::string_view kMonths = "janfebmaraprmayjunjulaugsepoctnovdec";
  std::string begin;
  for (const unsigned char c : word.substr(0, kShort)) begin += static_cast<char>(std::tolower(c));
  const auto at = begin.size() == kShort ? kMonths.find(begin) : std::string_view::npos;
  return at == std::string_view::npos || at % kShort != 0 ? 0 : static_cast<int>(at / kShort) + 1;
}

// The parts of a date, and which of them is a month by name, or the year by its size.
struct DateParts {
  std::array<int, 3> values{};
  std::optional<std::size_t> month, year;
};
std::optional<DateParts> date_parts(std::string_view text) {
  constexpr int kLongestMonth = 31, kLastYear = 9999;
  DateParts parts;
  for (std::size_t i = 0; i < 3; ++i) {
    const std::size_t size = std::min(text.find_first_of("-/., "), text.size());
    const std::string_view part = text.substr(0, size);
    if (i == 2 && size != text.size()) return std::nullopt;
    int& value = parts.values.at(i);
    if (all_digits(part) && part.size() <= 4) {
      value = to_int(part);
      if (value > kLastYear) return std::nullopt;
      if (value > kLongestMonth || part.size() == 4) parts.year = i;
    } else {
      value = month_named(part);
      if (value == 0 || parts.month) return std::nullopt;
      parts.month = i;
    }
    text.remove_prefix(size);
    text.remove_prefix(std::min(text.find_first_not_of("-/., "), text.size()));
  }
  return parts;
}

// "2024-05-01", "01.05.2024", "05/21/2024", "5 Mar 2023", "Mar 5, 2023", "20240501".
std::optional<double> date_days(std::string_view text, DateOrder order) {
  constexpr std::size_t kBasic = 8;
  constexpr int kMonths = 12, kLongestMonth = 31;
  int year = 0, month = 0, day = 0;
  if (text.size() == kBasic && all_digits(text)) {
    year = to_int(text.substr(0, 4));
    month = to_int(text.substr(4, 2));
    day = to_int(text.substr(6));
  } else {
    const auto parts = date_parts(text);
    if (!parts) return std::nullopt;
    const auto& [a, b, c] = parts->values;
    const std::size_t of_year = parts->year.value_or(order == DateOrder::kYearFirst && parts->month != 0U ? 0 : 2);
    if (of_year == 1 || parts->month == 2U || parts->month == of_year) return std::nullopt;
    const bool fits = a <= kMonths;
    const bool month_first =
        parts->month ? *parts->month == 0 : fits && (order == DateOrder::kMonthFirst || b > kMonths);
    year = of_year == 0 ? a : c;
    month = of_year == 2 && month_first ? a : b;
    day = of_year == 0 ? c : month_first ? b : a;
  }
  if (month < 1 || month > kMonths || day < 1 || day > kLongestMonth) return std::nullopt;
  return day_number(year, month, day);
}

// "2 days" of "2 days 00:00:00.004", as pandas writes durations.
std::optional<double> duration_days(std::string_view text) {
  const auto gap = std::min(text.find(' '), text.size());
  std::string_view unit = text.substr(gap);
  trim(unit);
  return unit == "days" || unit == "day" ? cell_number(text.substr(0, gap), false) : std::nullopt;
}

// Takes "Z", " UTC", " CEST", "+02:00", "-0500" or "+01" off the end of a time; seconds that its clocks are ahead.
double take_zone(std::string_view& time) {
  constexpr std::size_t kShortestName = 3, kLongestName = 4;
  if (time.ends_with('Z') || time.ends_with('z')) {
    time.remove_suffix(1);
    trim(time);
    return 0;
  }
  const auto blank = time.find_last_of(' ');
  if (blank != std::string_view::npos) {
    const std::string_view name = time.substr(blank + 1);
    if (name.size() >= kShortestName && name.size() <= kLongestName &&
        std::all_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
      time = time.substr(0, blank);
      trim(time);
      return 0;
    }
  }
  const auto sign = time.find_last_of("+-");
  if (sign == std::string_view::npos || sign == 0) return 0;
  const std::string_view offset = time.substr(sign + 1);
  const bool colon = offset.size() == 5 && offset[2] == ':';
  const std::string_view minutes = colon ? offset.substr(3) : offset.size() == 4 ? offset.substr(2) : "00";
  if ((!colon && offset.size() != 4 && offset.size() != 2) || !all_digits(offset.substr(0, 2)) || !all_digits(minutes))
    return 0;
  const double ahead = kSecondsPerHour * to_int(offset.substr(0, 2)) + 60 * to_int(minutes);
  const double zone = time[sign] == '-' ? -ahead : ahead;
  time = time.substr(0, sign);
  trim(time);
  return zone;
}

enum class Half { kNone, kMorning, kAfternoon };

// Takes "AM", "pm" or "p.m." off the end of a time.
Half take_half(std::string_view& time) {
  std::string end;
  std::size_t size = 0;
  while (size < time.size() && end.size() < 2) {
    const auto c = static_cast<unsigned char>(time[time.size() - 1 - size]);
    if (std::isalpha(c) == 0 && c != '.') break;
    if (c != '.') end.insert(end.begin(), static_cast<char>(std::tolower(c)));
    ++size;
  }
  if (end != "am" && end != "pm") return Half::kNone;
  time.remove_suffix(size);
  trim(time);
  return end == "am" ? Half::kMorning : Half::kAfternoon;
}

// "120000.002" as "12", "00", "00.002"; "12:00:00:002" as "12", "00", "00.002".
std::vector<std::string> parts_of(std::string_view time) {
  std::vector<std::string> parts(1);
  for (const char c : time) {
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c == ',' ? '.' : c;
  }
  constexpr std::size_t kBasic = 6;  // digits
  const std::string& first = parts.front();
  const auto whole = std::min(first.find('.'), first.size());
  if (parts.size() == 1 && whole == kBasic && all_digits(first.substr(0, kBasic)))
    return {first.substr(0, 2), first.substr(2, 2), first.substr(4)};
  constexpr std::size_t kWithFraction = 4;
  if (parts.size() == kWithFraction && (parts[3].size() == 3 || parts[3].size() == 6) && all_digits(parts[3]) &&
      all_digits(parts[2])) {
    parts[2] += '.' + parts[3];
    parts.pop_back();
  }
  return parts;
}

// Seconds from midnight. `dated`: there is a date beside it, so that digits without colons are a time.
std::optional<double> time_seconds(std::string_view time, bool dated) {
  const double zone = take_zone(time);
  const Half half = take_half(time);
  if (!dated && time.find(':') == std::string_view::npos) return std::nullopt;
  std::vector<std::string> parts = parts_of(time);
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  double seconds = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto value = cell_number(parts[i], false);
    const bool last = i + 1 == parts.size();
    if (!value || !(*value >= 0) || std::isinf(*value) || (!last && *value != std::floor(*value))) return std::nullopt;
    seconds = 60 * seconds + *value;
  }
  constexpr double kNoon = 12 * kSecondsPerHour;
  if (half != Half::kNone) {
    if (seconds >= kNoon + kSecondsPerHour || parts.size() != 3) return std::nullopt;
    if (seconds >= kNoon) seconds -= kNoon;
    if (half == Half::kAfternoon) seconds += kNoon;
  }
  return seconds - zone;
}

}  // namespace

std::optional<double> cell_clock(std::string_view cell, DateOrder order) {
  if (cell.empty() || cell.find_first_of("0123456789") == std::string_view::npos) return std::nullopt;
  if (cell.starts_with('[')) cell.remove_prefix(1);
  if (cell.ends_with(']')) cell.remove_suffix(1);
  trim(cell);
  // A date has no colon; a zone behind a time without colons may have one.
  const auto colon = cell.find(':');
  const auto gap = colon == std::string_view::npos ? cell.find_first_of(" T") : cell.find_last_of(" T", colon);
  std::string_view date = cell.substr(0, gap == std::string_view::npos ? 0 : gap), rest = cell.substr(date.size());
  if (!date.empty()) rest.remove_prefix(1);
  trim(date);
  trim(rest);
  auto days = date_days(date, order);
  if (!days) days = duration_days(date);
  if (!days && date.empty()) {  // rdsamp writes the clock time first.
    const auto blank = std::min(rest.find(' '), rest.size());
    std::string_view behind = rest.substr(blank);
    trim(behind);
    days = date_days(behind, order);
    if (days) rest = rest.substr(0, blank);
  }
  if (!days) return time_seconds(cell, false);
  const auto seconds = time_seconds(rest, true);
  if (!seconds) return std::nullopt;
  return *days * kSecondsPerDay + *seconds;
}

}  // namespace cardiograd::data
