#include "data/signal_times.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "ecg/channels.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr double kMaxUneven = 0.51;  // Steps that a time may be away from its place.
constexpr double kLongestStep = 1.6;
constexpr double kMaxDrift = 1e-3;
constexpr double kLowestRate = 20;  // Hz, of times without unit
constexpr double kHighestRate = 20000;
constexpr double kDay = 86400;  // s

struct Times {
  std::vector<double> values;
  bool clock = false;  // in seconds, whatever the column's name says
};

Times read_times(const SignalTable& table, std::size_t column, DateOrder order, const fs::path& path) {
  Times times;
  times.values.reserve(table.rows);
  double midnights = 0;
  table.each_cell({&column, 1}, path, [&](std::size_t row, std::size_t, std::string_view text, std::size_t line) {
    const auto place = [&] { return fmt::format("{}:{}", path.string(), line); };
    const auto clock = row == 0 || times.clock ? cell_clock(text, order) : std::nullopt;
    if (row == 0) times.clock = clock.has_value();
    if (!times.clock) {
      times.values.push_back(cell_value(table, column, text, line, path, false));
    } else {
      if (!clock && !is_missing_cell(text))
        throw Error(fmt::format("{}: column '{}': found '{}', expected a clock time", place(),
                                table.columns[column].name, text),
                    "Correct the row, or give --rate HZ.");
      const double value = clock.value_or(std::numeric_limits<double>::quiet_NaN());
      if (!times.values.empty() && value + midnights < times.values.back() - kDay / 2) midnights += kDay;
      times.values.push_back(value + midnights);
    }
    if (std::isnan(times.values.back()))
      throw Error(fmt::format("{}: the time is missing", place()), "Every row needs its time.");
  });
  return times;
}

// Of dates whose parts may be taken in several orders, that one is right in which the recording is the shortest: in the
// others, midnight takes a month or a year.
Times times_of(const SignalTable& table, std::size_t column, const fs::path& path) {
  const auto span = [](const Times& times) { return std::abs(times.values.back() - times.values.front()); };
  Times times = read_times(table, column, DateOrder::kDayFirst, path);
  for (const DateOrder order : {DateOrder::kMonthFirst, DateOrder::kYearFirst}) {
    if (!times.clock || span(times) < kDay) break;
    if (Times other = read_times(table, column, order, path); span(other) < span(times)) times = std::move(other);
  }
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
[[noreturn]] void fail_uneven(const SignalTable& table, std::size_t column, const Times& times, std::size_t uneven,
                              double seconds, const fs::path& path) {
  const std::vector<double>& time = times.values;
  // The cell of a row, and where it stands: looked for in the text again.
  const auto found = [&](std::size_t wanted) {
    std::pair<std::string, std::string> result;
    table.each_cell({&column, 1}, path, [&](std::size_t row, std::size_t, std::string_view text, std::size_t line) {
      if (row == wanted) result = {std::string(text), fmt::format("{}:{}", path.string(), line)};
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
  throw Error(fmt::format("{}: time {} after {}, expected a step of {:.6g} s: the samples are not evenly spaced",
                          place(uneven), shown(uneven), shown(uneven - 1), step * seconds),
              "Correct the times, or give --rate HZ.");
}

// The first row whose time is not at its place between those around it; 0 where all are. Places are compared within
// pieces of the recording: over hours, clocks drift by more than a step.
std::size_t first_uneven(const std::vector<double>& time, double step) {
  constexpr std::size_t kPiece = 4096;
  const std::size_t last = time.size() - 1;
  for (std::size_t begin = 0; begin < last; begin += kPiece) {
    const std::size_t end = std::min(begin + kPiece, last), from = end - std::min(end, kPiece);
    const auto rows = static_cast<double>(end - from);
    const double own = (time[end] - time[from]) / rows;
    for (std::size_t row = from + 1; row <= end; ++row) {
      const double expected = time[from] + static_cast<double>(row - from) * own;
      // Times may be rounded; a step of more than 1.6 is a gap.
      const bool gap = time[row] - time[row - 1] > kLongestStep * own;
      if (gap || !(std::abs(time[row] - expected) <= kMaxUneven * own)) return row;
    }
    if (!(std::abs(own - step) <= step * (kMaxDrift + 2 * kMaxUneven / rows))) return end;
  }
  return 0;
}

}  // namespace

std::optional<double> rate_from_times(const SignalTable& table, std::size_t column, const fs::path& path) {
  const std::size_t rows = table.rows;
  const TimeColumn kind = time_column(table.columns[column]);
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
  if (const std::size_t uneven = first_uneven(time, step); uneven > 0)
    fail_uneven(table, column, times, uneven, seconds_per_unit(kind, times.clock, usual_step(time), path), path);
  // Milliseconds since 1970 are no numbers of samples.
  constexpr double kMaxSamples = 1e9;
  const auto by_one = [](double a, double b) { return b - a != 1; };
  const bool unitless = !times.clock && !kind.seconds && kind.unknown_unit.empty();
  if (unitless && time.back() < kMaxSamples && std::adjacent_find(time.begin(), time.end(), by_one) == time.end())
    return std::nullopt;
  const double seconds = seconds_per_unit(kind, times.clock, step, path);
  // Rounded times give 500.0001 Hz or the like.
  const double rate = 1 / (step * seconds);
  return std::abs(rate - std::round(rate)) < 1e-3 * rate ? std::round(rate) : rate;
}

bool is_index_of_times(const SignalTable& table, const fs::path& path) {
  constexpr std::size_t kLooked = 8;
  const std::string& name = table.columns[0].name;
  const bool index = name.empty() || (table.cells.transposed && !ecg::is_ecg_name(name));
  if (!index || table.rows < 2) return false;
  std::vector<double> values;
  bool clock = false, whole = true;
  constexpr std::size_t kColumn = 0;
  table.each_cell({&kColumn, 1}, path, [&](std::size_t row, std::size_t, std::string_view text, std::size_t) {
    if (row == 0) clock = cell_clock(text).has_value();
    if (row >= kLooked || clock) return;
    values.push_back(cell_number(text, table.decimal_commas[0]).value_or(std::numeric_limits<double>::quiet_NaN()));
    whole = whole && values.back() == std::floor(values.back());
  });
  if (clock) return true;
  const double step = (values.back() - values.front()) / static_cast<double>(values.size() - 1);
  for (std::size_t i = 1; i < values.size(); ++i)
    if (!(std::abs(values[i] - values[0] - static_cast<double>(i) * step) <= kMaxUneven * step)) return false;
  return step > 0 && !whole;
}

bool advances_evenly(const SignalTable& table, std::size_t column, const fs::path& path) {
  constexpr std::size_t kFewest = 8;
  std::vector<double> values;
  table.each_cell({&column, 1}, path, [&](std::size_t, std::size_t, std::string_view text, std::size_t) {
    const auto clock = cell_clock(text);
    values.push_back(
        clock ? *clock
              : cell_number(text, table.decimal_commas[column]).value_or(std::numeric_limits<double>::quiet_NaN()));
  });
  if (values.size() < kFewest) return false;
  const double step = (values.back() - values.front()) / static_cast<double>(values.size() - 1);
  return step > 0 && first_uneven(values, step) == 0;
}

}  // namespace cardiograd::data
