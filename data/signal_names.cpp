// Names of data/signal_table.h.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "data/signal_table.h"
#include "ecg/channels.h"
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
  constexpr double kMinute = 60, kHour = 3600;
  using Unit = std::pair<std::string_view, double>;
  static constexpr std::array kUnits = {Unit{"s", 1},
                                        Unit{"sec", 1},
                                        Unit{"secs", 1},
                                        Unit{"second", 1},
                                        Unit{"seconds", 1},
                                        Unit{"sek", 1},
                                        Unit{"sekunden", 1},
                                        Unit{"с", 1},
                                        Unit{"ms", 1e-3},
                                        Unit{"msec", 1e-3},
                                        Unit{"msecs", 1e-3},
                                        Unit{"millis", 1e-3},
                                        Unit{"мс", 1e-3},
                                        Unit{"millisecond", 1e-3},
                                        Unit{"milliseconds", 1e-3},
                                        Unit{"us", 1e-6},
                                        Unit{"\xC2\xB5s", 1e-6},
                                        Unit{"\xCE\xBCs", 1e-6},
                                        Unit{"usec", 1e-6},
                                        Unit{"micros", 1e-6},
                                        Unit{"microsecond", 1e-6},
                                        Unit{"microseconds", 1e-6},
                                        Unit{"ns", 1e-9},
                                        Unit{"nsec", 1e-9},
                                        Unit{"nanos", 1e-9},
                                        Unit{"nanosecond", 1e-9},
                                        Unit{"nanoseconds", 1e-9},
                                        Unit{"min", kMinute},
                                        Unit{"mins", kMinute},
                                        Unit{"minute", kMinute},
                                        Unit{"minutes", kMinute},
                                        Unit{"minuten", kMinute},
                                        Unit{"h", kHour},
                                        Unit{"hr", kHour},
                                        Unit{"hrs", kHour},
                                        Unit{"hour", kHour},
                                        Unit{"hours", kHour},
                                        Unit{"stunden", kHour},
                                        Unit{"d", kSecondsPerDay},
                                        Unit{"day", kSecondsPerDay},
                                        Unit{"days", kSecondsPerDay}};
  for (const auto& [name, seconds] : kUnits)
    if (unit == name) return seconds;
  return std::nullopt;
}

// Seconds of a unit with a number before it: "0.1 ms", "1/250 s"; of "seconds since start" by its first word.
std::optional<double> seconds_of_text(std::string_view text) {
  const std::string_view digits = text.substr(0, text.find_first_not_of("0123456789./ "));
  double factor = 1;
  if (!digits.empty()) {
    const auto slash = digits.find('/');
    const auto above = cell_number(trimmed(digits.substr(0, slash)), false);
    const auto below = slash == std::string_view::npos ? 1 : cell_number(trimmed(digits.substr(slash + 1)), false);
    if (!above || !below || !(*above > 0) || !(*below > 0)) return std::nullopt;
    factor = *above / *below;
  }
  const auto words = words_of(text.substr(digits.size()));
  const auto seconds = words.empty() ? std::nullopt : seconds_of(words.front());
  return seconds ? std::optional(factor * *seconds) : std::nullopt;
}

// A voltage, but for a single V, which is a lead.
bool is_voltage_word(std::string_view word) {
  return word.size() > 1 && ecg::millivolts_per_unit(word).has_value();
}

bool is_time_word(std::string_view word) {
  constexpr std::array<std::string_view, 27> kTimes = {
      "time",  "times",    "t",      "ts",      "timestamp", "timestamps", "zeit", "zeitstempel", "uhrzeit",
      "temps", "datetime", "tiempo", "datenum", "tempo",     "tid",        "tijd", "czas",        "hora",
      "aika",  "время",    "Время",  "时间",    "時間",      "시간",       "ora",  "heure",       "tidpunkt"};
  return std::find(kTimes.begin(), kTimes.end(), word) != kTimes.end();
}

// Words beside that for time. Some may stand for it.
bool is_filler(std::string_view word) {
  constexpr std::array<std::string_view, 23> kFillers = {
      "elapsed", "relative", "rel",    "in",     "stamp",  "of",    "recording", "unix",
      "epoch",   "sample",   "sensor", "system", "the",    "clock", "wall",      "date",
      "and",     "utc",      "gmt",    "local",  "device", "host",  "phone"};
  return std::find(kFillers.begin(), kFillers.end(), word) != kFillers.end();
}

// "I" of "b'I'", "ecg I" of "('ecg', 'I')": how Python shows bytes and tuples.
std::string without_python(std::string_view text) {
  const bool bytes = text.starts_with("b'") && text.ends_with('\''), tuple = text.starts_with("('");
  if (!bytes && !(tuple && text.ends_with("')"))) return std::string(text);
  std::string plain(text.substr(2, text.size() - (bytes ? 3 : 4)));
  if (const auto comma = plain.find("', '"); comma != std::string::npos) plain.replace(comma, 4, " ");
  return plain;
}

// "I" of "I in", "I." and "I ": what is left of a name before its unit.
std::string name_before_unit(std::string_view text) {
  for (const std::string_view in : {" in", "_in", ".in"})
    if (text.ends_with(in)) text.remove_suffix(in.size());
  if (text.ends_with(" -")) text.remove_suffix(2);  // "II - mV"
  return std::string(text.substr(0, text.find_last_not_of(" \t._/,:") + 1));
}

}  // namespace

ColumnName parse_column_name(std::string_view cell) {
  const std::string plain = without_python(trimmed(cell));
  const std::string_view text = plain;
  if (const auto open = text.find_first_of("([{"); open != std::string_view::npos && open > 0) {
    const auto close = text.find_first_of(")]}", open);
    const auto unit = text.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
    return {std::string(trimmed(text.substr(0, open))), std::string(trimmed(unit))};
  }
  // "I_mV", "I.mV", "I in mV"; "I..mV." is "I (mV)" in R.
  constexpr std::string_view kBetween = " _/.-,:";
  const std::string_view ended = text.substr(0, text.find_last_not_of('.') + 1);
  const auto last = ended.find_last_of(kBetween);
  if (last != std::string_view::npos && last > 0 && is_voltage_word(ended.substr(last + 1)))
    if (std::string name = name_before_unit(ended.substr(0, last)); !name.empty())
      return {std::move(name), std::string(ended.substr(last + 1))};
  const auto first = std::min(text.find_first_of(kBetween), text.size());
  if (is_voltage_word(text.substr(0, first)) && ecg::is_ecg_name(text.substr(first)))  // "uV_I"
    return {std::string(text.substr(std::min(first + 1, text.size()))), std::string(text.substr(0, first))};
  return {plain, ""};
}

bool are_default_names(std::span<const std::string> names) {
  if (names.size() < 2) return false;
  const std::size_t first = ecg::same_lead(names[0], "V1") ? 1 : 2;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (!ecg::same_lead(names[i], fmt::format("V{}", first + i))) return false;
  return true;
}

TimeColumn time_column(const ColumnName& column) {
  std::vector<std::string> words = words_of(column.name);
  // "Time since start"
  words.erase(std::find(words.begin(), words.end(), "since"), words.end());
  const bool stands = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "elapsed" || word == "epoch" || word == "clock";
  });
  std::erase_if(words, [](const std::string& word) { return is_filler(word); });
  if (stands && words.empty()) words = {"time"};
  if (words.empty() || words.size() > 2) return {};
  TimeColumn time;
  const auto set_unit = [&](const std::string& name) {
    time.seconds = seconds_of_text(name);
    if (!time.seconds) time.unknown_unit = name;
  };
  if (is_time_word(words[0])) {
    time.is_time = words.size() == 1 || seconds_of(words[1]).has_value();
    if (words.size() == 2) set_unit(words[1]);
    if (words.size() == 1 && !column.unit.empty()) set_unit(column.unit);
    if (!time.is_time) return {};
    return time;
  }
  if (words.size() != 1 || !column.unit.empty()) return {};
  // "seconds", "ms"; "timems".
  std::string_view word = words[0];
  for (const std::string_view begin : {"timestamp", "time", "clock"})
    if (word.starts_with(begin)) {
      word.remove_prefix(begin.size());
      break;
    }
  // Alone, these are other things: heart rates, minima, parts of a date.
  constexpr std::array<std::string_view, 11> kOthers = {"h",      "hr", "hrs", "hour", "min", "mins",
                                                        "minute", "d",  "day", "с",    "мс"};
  const bool bare = word.size() == words[0].size();
  if (bare && std::find(kOthers.begin(), kOthers.end(), word) != kOthers.end()) return {};
  time.seconds = seconds_of(word);
  time.is_time = time.seconds.has_value();
  return time;
}

}  // namespace cardiograd::data
