#include "data/signal_csv.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "data/signal_table.h"
#include "data/signal_times.h"
#include "data/text_encoding.h"
#include "dsp/features/signal_quality.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxBytes = std::uintmax_t{1} << 28;
constexpr double kSwingSeconds = 2;
constexpr double kSameRate = 0.02;  // fraction: times are rounded

// R calls the columns of a table without names V1, V2, ...: no chest leads where they go beyond V6, or where the first
// holds times or counts.
void refuse_default_names(const SignalTable& table, const std::vector<bool>& is_time, const fs::path& path) {
  constexpr std::size_t kChestLeads = 6;
  std::vector<std::string> names;
  std::optional<std::size_t> first;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (is_time[i] || table.texts[i] || !ecg::is_ecg_name(table.columns[i].name)) continue;
    if (!first) first = i;
    names.push_back(table.columns[i].name);
  }
  if (!are_default_names(names)) return;
  const bool advances = table.counters[*first] || advances_evenly(table, *first, path);
  if (names.size() <= kChestLeads && !advances) return;
  throw Error(
      fmt::format("{}:{}: the columns are called {} to {}{}: as R calls columns without names, not chest leads",
                  path.string(), table.header_line, names.front(), names.back(),
                  advances ? ", and the first one goes up evenly, as times do" : ", with no limb lead beside them"),
      "Name the columns after what they hold, for example time,I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6 (in R: "
      "names(table) <- c(...), or read.csv(..., header = FALSE, col.names = c(...))).");
}

// The columns that are leads; what else there is goes into `others`.
std::vector<std::size_t> choose_leads(const SignalTable& table, const std::vector<bool>& is_time,
                                      const SignalCsvOptions& options, const fs::path& path,
                                      ecg::Recording& recording) {
  std::vector<ecg::Channel> channels;
  std::vector<std::size_t> positions;
  bool others_are_leads = false;
  for (std::size_t i = 0; i < table.columns.size(); ++i)
    others_are_leads = others_are_leads || (!is_time[i] && !table.texts[i] && !table.counters[i] &&
                                            ecg::is_ecg_name(table.columns[i].name));
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    if (is_time[i]) continue;
    const ColumnName& column = table.columns[i];
    if (column.name.empty()) continue;  // numbers of the rows, or a separator at the ends of lines
    if (table.counters[i]) {            // Whatever its name: "i" is no lead I.
      recording.others.push_back({column.name, "counts the rows"});
      continue;
    }
    // Marks of beats may be called "V".
    if (ecg::is_ecg_name(column.name) ? table.texts[i] && others_are_leads : table.words[i]) {
      recording.others.push_back({column.name, "no numbers"});
      continue;
    }
    positions.push_back(i);
    const std::string& usual = table.unit.empty() ? options.unit : table.unit;
    channels.push_back({column.name, ecg::canonical_unit(column.unit.empty() ? usual : column.unit)});
  }
  if (channels.empty())
    throw Error(fmt::format("{}: no column but the time{}", path.string(),
                            recording.others.empty() ? "" : " and " + ecg::others_text(recording.others)),
                "Expected a column for each lead.");
  const ecg::ChannelChoice choice = ecg::choose_ecg_channels(channels);
  ecg::require_leads(choice, path.string());
  refuse_default_names(table, is_time, path);
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

// Hz: the option, else by the times, else what lines before the table say.
double rate_of(const SignalTable& table, const std::vector<bool>& is_time, const SignalCsvOptions& options,
               const fs::path& path) {
  if (options.rate) return *options.rate;
  const auto found = static_cast<std::size_t>(std::find(is_time.begin(), is_time.end(), true) - is_time.begin());
  const bool timed = found < is_time.size();
  std::optional<Error> fault;  // of the first column of times; another may do
  for (std::size_t column = found; column < is_time.size(); ++column) {
    if (!is_time[column]) continue;
    try {
      const auto rate = rate_from_times(table, column, path);
      if (!rate) continue;
      if (table.rate && std::abs(*rate - *table.rate) > kSameRate * *rate)
        log_warning("{}: the times are those of {:.6g} Hz, and a line before them says {:.6g} Hz: the times count",
                    path.string(), *rate, *table.rate);
      return *rate;
    } catch (const Error& error) {
      if (!fault) fault = error;
    }
  }
  if (fault) throw *fault;
  if (table.rate) return *table.rate;
  if (timed)
    throw Error(fmt::format("{}: the sampling rate is unknown: column '{}' has no unit and goes up by 1, as numbers of "
                            "samples do",
                            path.string(), table.columns[found].name),
                "Give --rate HZ (--rate 1000 where they are milliseconds).");
  throw Error(fmt::format("{}: the sampling rate is unknown: there is no column 'time'", path.string()),
              "Give --rate HZ, or add a column 'time' in seconds.");
}

// Warns where leads whose unit nothing says have a swing that no heart makes in that which is assumed.
void warn_of_assumed_unit(const ecg::Recording& recording, const std::vector<std::size_t>& assumed, bool has_options,
                          const fs::path& path) {
  std::vector<double> swings;
  const auto wanted = static_cast<Eigen::Index>(std::max(1.0, std::round(kSwingSeconds * recording.rate)));
  const Eigen::Index block = std::min(wanted, recording.signal.rows());
  for (const std::size_t lead : assumed) {
    const auto column = recording.signal.col(static_cast<Eigen::Index>(lead));
    for (Eigen::Index at = 0; at + block <= column.size(); at += block) {
      double low = std::numeric_limits<double>::infinity(), high = -low;
      for (Eigen::Index i = at; i < at + block; ++i) {
        if (column(i) < low) low = column(i);
        if (column(i) > high) high = column(i);
      }
      if (high > low) swings.push_back(high - low);
    }
  }
  if (swings.empty()) return;
  const std::string& unit = recording.units[assumed.front()];
  const auto middle = swings.begin() + static_cast<std::ptrdiff_t>(swings.size() / 2);
  std::nth_element(swings.begin(), middle, swings.end());
  const double swing = *middle * ecg::millivolts_per_unit(unit).value_or(std::nan(""));
  if (swing < dsp::kMinSwing || swing > dsp::kMaxSwing)
    log_warning("{}: no unit is given and {} is assumed: a swing of {:.3g} mV: no ECG, or another unit ({})",
                path.string(), unit, swing,
                has_options ? "--unit uV" : "name it in the file, as 'I (uV)' or in a line 'unit,uV' before the names");
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
  if (std::find(is_time.begin(), is_time.end(), true) == is_time.end()) is_time[0] = is_index_of_times(table, path);
  for (const std::string& field : table.set_aside) recording.others.push_back({field, "no samples"});
  const auto leads = choose_leads(table, is_time, options, path, recording);
  recording.rate = rate_of(table, is_time, options, path);
  recording.signal.resize(static_cast<Eigen::Index>(table.rows), static_cast<Eigen::Index>(leads.size()));
  table.each_cell(leads, path, [&](std::size_t row, std::size_t i, std::string_view cell, std::size_t line) {
    recording.signal(static_cast<Eigen::Index>(row), static_cast<Eigen::Index>(i)) =
        cell_value(table, leads[i], cell, line, path);
  });
  std::vector<std::size_t> assumed;
  for (std::size_t i = 0; i < leads.size(); ++i)
    if (table.unit.empty() && table.columns[leads[i]].unit.empty()) assumed.push_back(i);
  warn_of_assumed_unit(recording, assumed, options.has_options, path);
  return recording;
}

ecg::Recording read_signal_csv(const fs::path& path, const SignalCsvOptions& options) {
  return parse_signal_csv(read_file(path, kMaxBytes), path, options);
}

}  // namespace cardiograd::data
