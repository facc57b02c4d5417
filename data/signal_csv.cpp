#include "data/signal_csv.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/signal_table.h"
#include "data/text_encoding.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 28;
constexpr double kMaxUneven = 0.51;  // Steps that a time may be away from its place.
constexpr double kLongestStep = 1.6;
constexpr double kLowestRate = 20;  // Hz, of times without unit
constexpr double kHighestRate = 20000;
constexpr double kHalfDay = 43200;  // s

// A cell and where it stands.
struct Cell {
  std::string_view text;
  std::size_t line = 1;
};

std::string place_of(const fs::path& path, const Cell& cell) {
  return fmt::format("{}:{}", path.string(), cell.line);
}

// `grouped`: a point may group thousands, which times that advance evenly do not.
double value_of(const Cell& cell, const SignalTable& table, std::size_t column, const fs::path& path,
                bool grouped = true) {
  const std::string_view text = cell.text;
  const bool commas = table.decimal_commas[column];
  // Where others of its column have decimal commas, "1.234" is not told from 1234.
  const bool doubtful = grouped && commas && has_thousands(text) && text.find(',') == std::string_view::npos;
  const auto value = doubtful ? std::nullopt : cell_number(text, commas);
  if (!value && is_missing_cell(text)) return std::numeric_limits<double>::quiet_NaN();
  if (value && !std::isinf(*value)) return *value;
  const bool comma = text.find(',') != std::string_view::npos && cell_number(text, true);
  throw Error(fmt::format("{}: column '{}': found '{}', expected a number", place_of(path, cell),
                          table.columns[column].name, text),
              has_thousands(text) ? "Write numbers without thousands separators: 1234.5, not 1,234.5 or 1 234.5."
              : comma             ? "Write all numbers with one decimal mark, a point or a comma."
                                  : "Correct the row, or leave the field empty where a sample is missing.");
}

struct Times {
  std::vector<double> values;
  bool clock = false;  // in seconds, whatever the column's name says
};

Times times_of(const SignalTable& table, std::size_t column, const fs::path& path) {
  Times times;
  times.values.reserve(table.rows);
  double midnights = 0;
  table.each_cell({&column, 1}, path, [&](std::size_t row, std::size_t, std::string_view text, std::size_t line) {
    const Cell cell{text, line};
    if (row == 0) times.clock = cell_clock(text).has_value();
    if (!times.clock) {
      times.values.push_back(value_of(cell, table, column, path, false));
    } else {
      const auto clock = cell_clock(text);
      if (!clock && !is_missing_cell(text))
        throw Error(fmt::format("{}: column '{}': found '{}', expected a clock time", place_of(path, cell),
                                table.columns[column].name, text),
                    "Correct the row, or give --rate.");
      const double value = clock.value_or(std::numeric_limits<double>::quiet_NaN());
      if (!times.values.empty() && value + midnights < times.values.back() - kHalfDay) midnights += 2 * kHalfDay;
      times.values.push_back(value + midnights);
    }
    if (std::isnan(times.values.back()))
      throw Error(fmt::format("{}: the time is missing", place_of(path, cell)), "Every row needs its time.");
  });
  return times;
}

// Seconds per unit of times that advance by `step`.
double seconds_per_unit(const TimeColumn& column, bool clock, double step, const fs::path& path) {
  if (clock) return 1;
  if (column.seconds) return *column.seconds;
  if (!column.unknown_unit.empty())
    throw Error(fmt::format("{}: the time's unit '{}' is not known", path.string(), column.unknown_unit),
                "Known are s, ms, us, ns, min, h and days; or give --rate HZ.");
  // Days are what spreadsheets and MATLAB count.
  constexpr std::array<std::pair<const char*, double>, 5> kUnits = {
      {{"seconds", 1}, {"milliseconds", 1e-3}, {"microseconds", 1e-6}, {"nanoseconds", 1e-9}, {"days", 86400}}};
  for (const auto& [name, seconds] : kUnits) {
    const double rate = 1 / (step * seconds);
    if (!(rate >= kLowestRate && rate <= kHighestRate)) continue;
    if (seconds != 1)
      log_warning("{}: the times have no unit; their steps of {:g} are taken for {}", path.string(), step, name);
    return seconds;
  }
  return 1;
}

// The step that most of the times keep, however long the gaps: the median over pieces, for times may be rounded.
double usual_step(const std::vector<double>& time) {
  constexpr std::size_t kLongestPiece = 32;
  const std::size_t piece = std::clamp<std::size_t>((time.size() - 1) / 2, 1, kLongestPiece);
  std::vector<double> steps;
  for (std::size_t i = piece; i < time.size(); ++i)
    steps.push_back((time[i] - time[i - piece]) / static_cast<double>(piece));
  const auto middle = steps.begin() + static_cast<std::ptrdiff_t>(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

// Says what is wrong with times that are not evenly spaced. `seconds`: per unit.
[[noreturn]] void fail_uneven(const SignalTable& table, std::size_t column, const Times& times, double seconds,
                              const fs::path& path) {
  const std::vector<double>& time = times.values;
  // The cell of a row, and where it stands: looked for in the text again.
  const auto found = [&](std::size_t wanted) {
    std::pair<std::string, std::string> result;
    table.each_cell({&column, 1}, path, [&](std::size_t row, std::size_t, std::string_view text, std::size_t line) {
      if (row == wanted) result = {std::string(text), place_of(path, {text, line})};
    });
    return result;
  };
  const auto place = [&](std::size_t row) { return found(row).second; };
  const auto shown = [&](std::size_t row) {
    return times.clock ? found(row).first : fmt::format("{:.12g} s", time[row] * seconds);
  };
  const double step = usual_step(time);
  std::size_t repeated = 0, first_repeated = 0, gaps = 0, first_gap = 0, first_back = 0;
  for (std::size_t row = time.size() - 1; row > 0; --row) {
    const double difference = time[row] - time[row - 1];
    if (difference < 0) first_back = row;
    if (difference == 0) {
      ++repeated;
      first_repeated = row;
    } else if (step > 0 && difference > kLongestStep * step) {
      ++gaps;
      first_gap = row;
    }
  }
  if (first_back > 0)
    throw Error(fmt::format("{}: time {} after {}: the time goes back", place(first_back), shown(first_back),
                            shown(first_back - 1)),
                "Order the rows by time, or give --rate HZ.");
  constexpr std::size_t kManyRepeated = 10;  // one in so many rows
  if (repeated * kManyRepeated > time.size())
    throw Error(fmt::format("{}: time {} as in the row before, and so in {} of {} rows: the times are too coarse for "
                            "the sampling rate",
                            place(first_repeated), shown(first_repeated), repeated, time.size()),
                "Give --rate HZ, or write the times with more digits.");
  if (gaps > 0) {
    const double missing = (time[first_gap] - time[first_gap - 1] - step) * seconds;
    throw Error(fmt::format("{}: time {} after {}: {:.3g} s are missing{}: the samples are not evenly spaced",
                            place(first_gap), shown(first_gap), shown(first_gap - 1), missing,
                            gaps > 1 ? fmt::format(", the first of {} gaps", gaps) : ""),
                "Fill the gaps with rows of empty fields.");
  }
  if (repeated > 0)
    throw Error(fmt::format("{}: time {} as in the row before: the samples are not evenly spaced",
                            place(first_repeated), shown(first_repeated)),
                "Delete the row that is there twice, or give --rate HZ.");
  for (std::size_t row = 1; row < time.size(); ++row) {
    const double expected = time.front() + static_cast<double>(row) * step;
    if (std::abs(time[row] - expected) <= kMaxUneven * step) continue;
    throw Error(fmt::format("{}: time {} after {}, expected a step of {:.6g} s: the samples are not evenly spaced",
                            place(row), shown(row), shown(row - 1), step * seconds),
                "Correct the times, or give --rate HZ.");
  }
  throw Error(
      fmt::format("{}: column '{}': the samples are not evenly spaced", path.string(), table.columns[column].name),
      "Give --rate HZ.");
}

double rate_from(const SignalTable& table, std::size_t column, const TimeColumn& kind, const fs::path& path) {
  const std::size_t rows = table.rows;
  if (rows < 2)
    throw Error(fmt::format("{}: found {} sample{}, expected at least 2 to tell the rate", path.string(), rows,
                            rows == 1 ? "" : "s"),
                "Give --rate HZ.");
  const Times times = times_of(table, column, path);
  const std::vector<double>& time = times.values;
  const double step = (time.back() - time.front()) / static_cast<double>(rows - 1);
  if (!(step > 0))
    throw Error(fmt::format("{}: the time does not advance: {} in the first row, {} in the last", path.string(),
                            time.front(), time.back()),
                "Order the rows by time.");
  // Times may be rounded, so each is compared with its place; a step of more than 1.6 is a gap.
  for (std::size_t row = 0; row < rows; ++row) {
    const double expected = time.front() + static_cast<double>(row) * step;
    const bool gap = row > 0 && time[row] - time[row - 1] > kLongestStep * step;
    if (gap || !(std::abs(time[row] - expected) <= kMaxUneven * step))
      fail_uneven(table, column, times, seconds_per_unit(kind, times.clock, usual_step(time), path), path);
  }
  const double seconds = seconds_per_unit(kind, times.clock, step, path);
  // Rounded times give 500.0001 Hz or the like.
  const double rate = 1 / (step * seconds);
  return std::abs(rate - std::round(rate)) < 1e-3 * rate ? std::round(rate) : rate;
}

// The columns that are leads; what else there is goes into `others`.
std::vector<std::size_t> choose_leads(const SignalTable& table, const std::vector<bool>& is_time,
                                      const SignalCsvOptions& options, const fs::path& path,
                                      ecg::Recording& recording) {
  std::vector<ecg::Channel> channels;
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (is_time[i]) continue;
    const ColumnName& column = table.columns[i];
    if (column.name.empty()) continue;  // numbers of the rows, or a separator at the ends of lines
    if (!ecg::is_ecg_name(column.name) && table.words[i]) {
      recording.others.push_back({column.name, "no numbers"});
      continue;
    }
    positions.push_back(i);
    channels.push_back({column.name, ecg::canonical_unit(column.unit.empty() ? options.unit : column.unit)});
  }
  if (channels.empty())
    throw Error(fmt::format("{}: no column but the time{}", path.string(),
                            recording.others.empty() ? "" : " and " + ecg::others_text(recording.others)),
                "Expected a column for each lead.");
  const ecg::ChannelChoice choice = ecg::choose_ecg_channels(channels);
  ecg::require_leads(choice, path.string());
  recording.others.insert(recording.others.end(), choice.others.begin(), choice.others.end());
  std::vector<std::size_t> leads;
  for (const std::size_t i : choice.leads) {
    if (std::find(recording.leads.begin(), recording.leads.end(), channels[i].name) != recording.leads.end())
      throw Error(fmt::format("{}:{}: two columns are called '{}'", path.string(), table.header_line, channels[i].name),
                  "Rename one of them.");
    recording.leads.push_back(channels[i].name);
    recording.units.push_back(channels[i].unit);
    leads.push_back(positions[i]);
  }
  return leads;
}

}  // namespace

ecg::Recording parse_signal_csv(std::string_view text, const fs::path& path, const SignalCsvOptions& options) {
  std::string storage;
  const SignalTable table = parse_signal_table(plain_text(text, storage), path);
  if (table.rows == 0)
    throw Error(fmt::format("{}: no samples after the header", path.string()), "Expected one row per sample.");
  ecg::Recording recording;
  recording.name = path.string();
  std::vector<bool> is_time;
  for (const ColumnName& column : table.columns) is_time.push_back(time_column(column).is_time);
  const auto leads = choose_leads(table, is_time, options, path, recording);
  std::optional<double> from_time;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    if (is_time[i] && !options.rate && !from_time) from_time = rate_from(table, i, time_column(table.columns[i]), path);
  if (!from_time) from_time = table.rate;
  if (!options.rate && !from_time)
    throw Error(fmt::format("{}: the sampling rate is unknown: there is no column 'time'", path.string()),
                "Give --rate HZ, or add a column 'time' in seconds.");
  recording.rate = options.rate ? *options.rate : *from_time;
  recording.signal.resize(static_cast<Eigen::Index>(table.rows), static_cast<Eigen::Index>(leads.size()));
  table.each_cell(leads, path, [&](std::size_t row, std::size_t i, std::string_view cell, std::size_t line) {
    recording.signal(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(i)) =
        value_of({cell, line}, table, leads[i], path);
  });
  return recording;
}

ecg::Recording read_signal_csv(const fs::path& path, const SignalCsvOptions& options) {
  return parse_signal_csv(read_file(path, kMaxBytes), path, options);
}

}  // namespace cardiograd::data
