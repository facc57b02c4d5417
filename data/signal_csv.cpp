#include "data/signal_csv.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "data/csv.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 28;
constexpr double kMaxUneven = 0.51;  // Steps that a time may be away from its place.
constexpr double kLongestStep = 1.6;

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

struct Column {
  std::string name;
  std::string unit;  // empty when the name does not say it
};

// "II (uV)" -> II, uV
Column parse_name(std::string_view text) {
  const auto open = text.find_first_of("([");
  if (open == std::string_view::npos) return {trimmed(text), ""};
  const auto close = text.find_first_of(")]", open);
  const auto unit = text.substr(open + 1, close == std::string_view::npos ? close : close - open - 1);
  return {trimmed(text.substr(0, open)), trimmed(unit)};
}

bool is_number(const std::string& text) {
  double value = 0;
  const std::string inner = trimmed(text);
  const auto [end, error] = std::from_chars(inner.data(), inner.data() + inner.size(), value);
  return error == std::errc() && end == inner.data() + inner.size();
}

// Seconds per unit of a time column; nothing for other columns.
std::optional<double> seconds_per_step(const Column& column) {
  std::string key;
  for (const unsigned char c : column.name) key += static_cast<char>(std::tolower(c));
  const bool time = key == "time" || key == "t" || key == "zeit";
  if (key == "time_ms" || key == "ms" || key == "milliseconds" || (time && column.unit == "ms")) return 1e-3;
  if (key == "time_s" || key == "s" || key == "seconds" || key == "sec" || time) return 1;
  return std::nullopt;
}

double value_at(const CsvTable& table, std::size_t row, std::size_t column) {
  const std::string text = trimmed(table.cell(row, column));
  if (text.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || std::isinf(value))
    throw Error(fmt::format("{}: column '{}': found '{}', expected a number", table.place(row),
                            trimmed(table.columns()[column]), text),
                "Correct the row, or leave the field empty where a sample is missing.");
  return value;
}

double rate_from(const CsvTable& table, std::size_t column, double seconds, const fs::path& path) {
  const std::size_t rows = table.rows();
  const auto time = [&](std::size_t row) {
    const double value = value_at(table, row, column);
    if (std::isnan(value))
      throw Error(fmt::format("{}: the time is missing", table.place(row)), "Every row needs its time.");
    return value * seconds;
  };
  if (rows < 2)
    throw Error(fmt::format("{}: {} samples are too few to tell the rate", path.string(), rows), "Give --rate.");
  const double step = (time(rows - 1) - time(0)) / static_cast<double>(rows - 1);
  if (!(step > 0))
    throw Error(fmt::format("{}: the time does not advance: {} s in the first row, {} s in the last", path.string(),
                            time(0), time(rows - 1)),
                "Order the rows by time.");
  // Times may be rounded, so each is compared with its place; a step of more than 1.6 is a gap.
  for (std::size_t row = 0; row < rows; ++row) {
    const double expected = time(0) + static_cast<double>(row) * step;
    const bool gap = row > 0 && time(row) - time(row - 1) > kLongestStep * step;
    if (gap || !(std::abs(time(row) - expected) <= kMaxUneven * step))
      throw Error(fmt::format("{}: time {} s, expected {} s: the samples are not evenly spaced", table.place(row),
                              time(row), expected),
                  "Fill the gaps with rows of empty fields.");
  }
  // Rounded times give 500.0001 Hz or the like.
  const double rate = 1 / step;
  return std::abs(rate - std::round(rate)) < 1e-3 * rate ? std::round(rate) : rate;
}

void expect_header(const CsvTable& table, const fs::path& path) {
  std::size_t numbers = 0;
  for (const std::string& name : table.columns()) numbers += is_number(name) ? 1 : 0;
  if (numbers == table.columns().size())
    throw Error(fmt::format("{}:1: no header: found the numbers '{}', ..., expected column names", path.string(),
                            table.columns().front()),
                "Let the first row name the leads: I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6.");
}

}  // namespace

ecg::Recording parse_signal_csv(std::string_view text, const fs::path& path, const SignalCsvOptions& options) {
  const CsvTable table = [&] {
    // A file without header may have one number twice in its first row: that is not two columns of one name.
    const std::string_view line = text.substr(0, text.find('\n'));
    const bool words = std::any_of(line.begin(), line.end(),
                                   [](unsigned char c) { return std::isalpha(c) != 0 && std::tolower(c) != 'e'; });
    if (!words && !trimmed(line).empty())
      throw Error(
          fmt::format("{}:1: no header: found '{}', expected column names", path.string(), trimmed(line.substr(0, 40))),
          "Let the first row name the leads: I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6.");
    return CsvTable::parse(text, path);
  }();
  expect_header(table, path);
  if (table.rows() == 0)
    throw Error(fmt::format("{}: no samples after the header", path.string()), "Expected one row per sample.");
  ecg::Recording recording;
  recording.name = path.string();
  std::optional<double> from_time;
  std::vector<std::size_t> leads;
  for (std::size_t i = 0; i < table.columns().size(); ++i) {
    const Column column = parse_name(table.columns()[i]);
    if (const auto seconds = seconds_per_step(column)) {
      if (!options.rate && !from_time) from_time = rate_from(table, i, *seconds, path);
      continue;
    }
    leads.push_back(i);
    recording.leads.push_back(column.name);
    recording.units.push_back(ecg::canonical_unit(column.unit.empty() ? options.unit : column.unit));
  }
  if (leads.empty())
    throw Error(fmt::format("{}: no column but the time", path.string()), "Expected a column for each lead.");
  if (!options.rate && !from_time)
    throw Error(fmt::format("{}: the sampling rate is unknown: there is no column 'time'", path.string()),
                "Give --rate HZ, or add a column 'time' in seconds.");
  recording.rate = options.rate ? *options.rate : *from_time;
  recording.signal.resize(static_cast<Eigen::Index>(table.rows()), static_cast<Eigen::Index>(leads.size()));
  for (std::size_t row = 0; row < table.rows(); ++row)
    for (std::size_t i = 0; i < leads.size(); ++i)
      recording.signal(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(i)) = value_at(table, row, leads[i]);
  return recording;
}

ecg::Recording read_signal_csv(const fs::path& path, const SignalCsvOptions& options) {
  return parse_signal_csv(read_file(path, kMaxBytes), path, options);
}

}  // namespace cardiograd::data
