// Names of data/signal_table.h.
#include <algorithm>
#include <array>
#include <utility>

#include "data/signal_table.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

constexpr double kSecondsPerDay = 86400;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

using ecg::words_of;

std::optional<double> seconds_of(std::string_view unit) {
  static constexpr std::array<std::pair<std::string_view, double>, 30> kUnits = {{{"s", 1},
                                                                                  {"sec", 1},
                                                                                  {"secs", 1},
                                                                                  {"second", 1},
                                                                                  {"seconds", 1},
                                                                                  {"sek", 1},
                                                                                  {"sekunden", 1},
                                                                                  {"ms", 1e-3},
                                                                                  {"msec", 1e-3},
                                                                                  {"msecs", 1e-3},
                                                                                  {"millis", 1e-3},
                                                                                  {"millisecond", 1e-3},
                                                                                  {"milliseconds", 1e-3},
                                                                                  {"us", 1e-6},
                                                                                  {"\xC2\xB5s", 1e-6},
                                                                                  {"\xCE\xBCs", 1e-6},
                                                                                  {"usec", 1e-6},
                                                                                  {"micros", 1e-6},
                                                                                  {"microsecond", 1e-6},
                                                                                  {"microseconds", 1e-6},
                                                                                  {"ns", 1e-9},
                                                                                  {"nsec", 1e-9},
                                                                                  {"nanos", 1e-9},
                                                                                  {"nanoseconds", 1e-9},
                                                                                  {"min", 60},
                                                                                  {"mins", 60},
                                                                                  {"minutes", 60},
                                                                                  {"h", 3600},
                                                                                  {"hours", 3600},
                                                                                  {"days", kSecondsPerDay}}};
  for (const auto& [name, seconds] : kUnits)
    if (unit == name) return seconds;
  return std::nullopt;
}

// A voltage, but for a single V, which is a lead.
bool is_voltage_word(std::string_view word) {
  return word.size() > 1 && ecg::millivolts_per_unit(word).has_value();
}

bool is_time_word(std::string_view word) {
  constexpr std::array<std::string_view, 10> kTimes = {"time",  "t",           "timestamp", "timestamps", "zeit",
                                                       "temps", "zeitstempel", "datetime",  "tiempo",     "datenum"};
  return std::find(kTimes.begin(), kTimes.end(), word) != kTimes.end();
}

}  // namespace

ColumnName parse_column_name(std::string_view text) {
  text = trimmed(text);
  if (const auto open = text.find_first_of("(["); open != std::string_view::npos && open > 0) {
    const auto close = text.find_first_of(")]", open);
    const auto unit = text.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
    return {std::string(trimmed(text.substr(0, open))), std::string(trimmed(unit))};
  }
  const auto last = text.find_last_of(" _/");
  if (last != std::string_view::npos && last > 0 && is_voltage_word(text.substr(last + 1)))
    return {std::string(trimmed(text.substr(0, last))), std::string(text.substr(last + 1))};
  return {std::string(text), ""};
}

TimeColumn time_column(const ColumnName& column) {
  std::vector<std::string> words = words_of(column.name);
  constexpr std::array<std::string_view, 6> kFillers = {"elapsed", "relative", "in", "stamp", "of", "recording"};
  std::erase_if(words,
                [&](const std::string& w) { return std::find(kFillers.begin(), kFillers.end(), w) != kFillers.end(); });
  if (words.empty() || words.size() > 2) return {};
  TimeColumn time;
  const auto unit = words_of(column.unit);
  const auto set_unit = [&](const std::string& name) {
    time.seconds = seconds_of(name);
    if (!time.seconds) time.unknown_unit = name;
  };
  if (is_time_word(words[0])) {
    time.is_time = words.size() == 1 || seconds_of(words[1]).has_value();
    if (words.size() == 2) set_unit(words[1]);
    if (words.size() == 1 && !unit.empty()) set_unit(unit.front());
    if (!time.is_time) return {};
    return time;
  }
  if (words.size() != 1 || !unit.empty()) return {};
  // "seconds", "ms"; "timems".
  std::string_view word = words[0];
  if (word.starts_with("timestamp"))
    word.remove_prefix(9);
  else if (word.starts_with("time"))
    word.remove_prefix(4);
  const bool bare = word.size() == words[0].size();
  if (bare && (word == "h" || word == "min" || word == "mins" || word == "days")) return {};
  time.seconds = seconds_of(word);
  time.is_time = time.seconds.has_value();
  return time;
}

}  // namespace cardiograd::data
