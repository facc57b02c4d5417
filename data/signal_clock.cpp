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

// "2024-05-01", "01.05.2024", "05/21/2024", "20240501"; other orders cannot be told apart.
std::optional<double> date_days(std::string_view text) {
  constexpr std::size_t kBasic = 8;
  constexpr int kMonths = 12, kLongestMonth = 31, kLastYear = 9999;
  if (text.size() == kBasic && all_digits(text)) {
    const int year = to_int(text.substr(0, 4)), month = to_int(text.substr(4, 2)), day = to_int(text.substr(6));
    if (month < 1 || month > kMonths || day < 1 || day > kLongestMonth) return std::nullopt;
    return day_number(year, month, day);
  }
  std::array<int, 3> parts{};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parts.at(i));
    if (error != std::errc() || parts.at(i) < 0 || parts.at(i) > kLastYear) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (i == 2 ? !text.empty() : text.empty() || std::string_view("-/.").find(text.front()) == std::string_view::npos)
      return std::nullopt;
    if (!text.empty()) text.remove_prefix(1);
  }
  if (parts[0] > kLongestMonth) return day_number(parts[0], parts[1], parts[2]);
  if (parts[2] <= kLongestMonth) return std::nullopt;
  const bool month_first = parts[1] > kMonths && parts[0] <= kMonths;
  return month_first ? day_number(parts[2], parts[0], parts[1]) : day_number(parts[2], parts[1], parts[0]);
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

std::optional<double> cell_clock(std::string_view cell) {
  if (cell.empty() || cell.find_first_of("0123456789") == std::string_view::npos) return std::nullopt;
  if (cell.starts_with('[') && cell.ends_with(']')) cell = cell.substr(1, cell.size() - 2);
  trim(cell);
  const auto gap = cell.find_first_of(" T");
  if (gap == std::string_view::npos) return time_seconds(cell, false);
  std::string_view rest = cell.substr(gap + 1);
  trim(rest);
  auto date = date_days(cell.substr(0, gap));
  if (!date) {  // rdsamp writes the clock time first.
    date = date_days(rest);
    rest = cell.substr(0, gap);
  }
  if (!date) return time_seconds(cell, false);
  const auto seconds = time_seconds(rest, true);
  if (!seconds) return std::nullopt;
  return *date * kSecondsPerDay + *seconds;
}

}  // namespace cardiograd::data
