#include "data/dataset_features.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/csv.h"
#include "data/ptbxl.h"
#include "data/wfdb.h"
#include "dsp/features/features.h"

namespace cardiograd::data {
namespace {

// A dataset's rows so far, by ecg_id: a killed run goes on from them.
struct Rows {
  std::map<std::int64_t, std::string> values;   // "ecg_id,..." lines
  std::map<std::int64_t, std::string> missing;  // "ecg_id,column,reason" lines
};

std::string header() {
  std::string line = "ecg_id";
  for (const dsp::FeatureColumn& column : dsp::feature_columns()) line += fmt::format(",{}", column.name);
  return line + "\n";
}

std::filesystem::path missing_path(const std::filesystem::path& out) {
  return out.parent_path() / (out.stem().string() + "_missing" + out.extension().string());
}

std::string joined(const std::map<std::int64_t, std::string>& lines) {
  std::string text;
  for (const auto& [id, line] : lines) text += line;
  return text;
}

constexpr std::string_view kMissingHeader = "ecg_id,column,reason\n";

void save(const Rows& rows, const std::filesystem::path& out, const std::string& first_line = "") {
  write_file(missing_path(out), std::string(kMissingHeader) + joined(rows.missing));
  write_file(out, first_line + header() + joined(rows.values));
}

// What the rows were made of: rows of other records or another rate are not gone on with.
std::string source_line(const DatasetFeaturesOptions& options) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::weakly_canonical(options.folder, error);
  return fmt::format("# {} {}\n", options.high_rate ? "500 Hz" : "100 Hz", (error ? options.folder : folder).string());
}

// Calls `use` with the ecg_id that each line begins with, and the line. False where a line is damaged.
template <class Use>
bool each_line(std::string_view lines, Use use) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    std::int64_t id = 0;
    const auto [rest, fault] = std::from_chars(lines.data(), lines.data() + lines.size(), id);
    if (end == lines.npos || fault != std::errc() || *rest != ',') return false;
    use(id, std::string(lines.substr(0, end + 1)));
    lines.remove_prefix(end + 1);
  }
  return true;
}

// What an interrupted run left; nothing when it was of other records or other columns, or is damaged.
Rows load_partial(const std::filesystem::path& partial, const DatasetFeaturesOptions& options) {
  if (!std::filesystem::exists(partial) || !std::filesystem::exists(missing_path(partial))) return {};
  const std::string text = read_file(partial), reasons = read_file(missing_path(partial));
  const std::string start = source_line(options) + header();
  if (!text.starts_with(start) || !reasons.starts_with(kMissingHeader)) return {};
  Rows rows;
  const bool whole = each_line(std::string_view(text).substr(start.size()),
                               [&](std::int64_t id, const std::string& line) { rows.values[id] = line; }) &&
                     each_line(std::string_view(reasons).substr(kMissingHeader.size()),
                               [&](std::int64_t id, const std::string& line) { rows.missing[id] += line; });
  return whole ? rows : Rows{};
}

struct Done {
  std::string values, missing;
  bool found = true;
};

Done one_record(const PtbxlRow& row, const DatasetFeaturesOptions& options) {
  const std::string& name = options.high_rate ? row.filename_hr : row.filename_lr;
  const std::filesystem::path path = options.folder / name;
  if (name.empty() || !std::filesystem::exists(path.string() + ".hea")) {
    if (options.skip_missing) return {"", "", false};
    const std::string what = name.empty() ? fmt::format("no {}", options.high_rate ? "filename_hr" : "filename_lr")
                                          : "'" + name + "' is not there";
    throw Error(fmt::format("{}: ecg_id {}: {}", row.place, row.ecg_id, what),
                "Use --skip-missing to go on without such records.");
  }
  const dsp::FeatureRow features = dsp::compute_features(read_wfdb(path), row.person);
  Done done{fmt::format("{}", row.ecg_id), "", true};
  for (std::size_t i = 0; i < features.values.size(); ++i) {
    done.values += features.reasons[i].empty() ? fmt::format(",{:.8g}", features.values[i]) : std::string(",");
    if (!features.reasons[i].empty()) {
      done.missing +=
          fmt::format("{},{},{}\n", row.ecg_id, dsp::feature_columns()[i].name, csv_cell(features.reasons[i]));
    }
  }
  done.values += "\n";
  return done;
}

}  // namespace

DatasetFeaturesResult write_dataset_features(const DatasetFeaturesOptions& options) {
  constexpr std::size_t kBetweenSaves = 2000, kAtOnce = 100;
  const std::filesystem::path out = options.out, partial = out.string() + ".partial";
  const PtbxlDatabase database = read_ptbxl_database(options.folder / "ptbxl_database.csv");
  if (const std::filesystem::path parent = out.parent_path();
      !parent.empty() && !std::filesystem::is_directory(parent)) {
    throw Error(fmt::format("{}: the folder '{}' is not there", out.string(), parent.string()),
                "Make it, or give another --out.");
  }
  Rows rows = load_partial(partial, options);
  std::vector<const PtbxlRow*> left;
  for (const PtbxlRow& row : database.rows) {
    if (!rows.values.contains(row.ecg_id)) left.push_back(&row);
  }
  if (left.size() < database.rows.size())
    log_info("{} of {} records were there already", rows.values.size(), database.rows.size());
  DatasetFeaturesResult result;
  for (std::size_t first = 0; first < left.size(); first += kAtOnce) {
    std::vector<Done> done(std::min(kAtOnce, left.size() - first));
    parallel_for(static_cast<std::int64_t>(done.size()), [&](std::int64_t i) {
      done[static_cast<std::size_t>(i)] = one_record(*left[first + static_cast<std::size_t>(i)], options);
    });
    for (std::size_t i = 0; i < done.size(); ++i) {
      const std::int64_t id = left[first + i]->ecg_id;
      result.skipped += done[i].found ? 0 : 1;
      if (!done[i].found) continue;
      rows.values[id] = std::move(done[i].values);
      if (!done[i].missing.empty()) rows.missing[id] = std::move(done[i].missing);
    }
    result.done += static_cast<std::int64_t>(done.size());
    if (options.progress) options.progress(result.done, static_cast<std::int64_t>(left.size()));
    const std::size_t next = first + done.size();
    if (next % kBetweenSaves == 0 && next < left.size()) save(rows, partial, source_line(options));
  }
  save(rows, out);
  std::filesystem::remove(partial);
  std::filesystem::remove(missing_path(partial));
  result.written = static_cast<std::int64_t>(rows.values.size());
  return result;
}

}  // namespace cardiograd::data
