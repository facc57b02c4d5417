#include "data/dataset_features.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/csv.h"
#include "data/ptbxl.h"
#include "data/signal_cache.h"
#include "data/wfdb.h"
#include "dsp/features/features.h"

namespace cardiograd::data {
namespace {

// A dataset's rows so far, by ecg_id: a killed run goes on from them.
struct Rows {
  std::map<std::int64_t, std::string> values;   // "ecg_id,..." lines
  std::map<std::int64_t, std::string> missing;  // "ecg_id,column,reason" lines
  std::map<std::int64_t, std::string> stamps;   // "ecg_id,stamp of the record's files" lines
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

constexpr std::string_view kStampsHeader = "ecg_id,files\n";
constexpr std::string_view kPartialMagic = "# unfinished table of cardiograd features, xxh3_128 ";
constexpr int kDefinitions = 1;  // Raise it when a feature's definition changes: old partial tables are then refused.

void save(const Rows& rows, const std::filesystem::path& out) {
  write_file(missing_path(out), std::string(kMissingHeader) + joined(rows.missing));
  write_file(out, header() + joined(rows.values));
}

// What the rows are made of. Rows of other records, another rate or another table are not gone on with.
nlohmann::json source_of(const DatasetFeaturesOptions& options, std::string_view table) {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::weakly_canonical(options.folder, error);
  return {{"folder", (error ? options.folder : folder).string()},
          {"rate_hz", options.high_rate ? 500 : 100},
          {"ptbxl_database.csv", to_string(content_hash(table))},
          {"definitions", kDefinitions}};
}

// The hash of all that follows, the source, then the three kinds of rows.
void save_partial(const Rows& rows, const std::filesystem::path& partial, const nlohmann::json& source) {
  const std::string rest = "# " + source.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n" +
                           header() + joined(rows.values) + std::string(kMissingHeader) + joined(rows.missing) +
                           std::string(kStampsHeader) + joined(rows.stamps);
  write_file(partial, fmt::format("{}{}\n{}", kPartialMagic, to_string(content_hash(rest)), rest));
}

// Calls `use` with the ecg_id that each line begins with, and the line. False where a line is damaged.
template <class Use>
bool each_line(std::string_view lines, Use use) {
  while (!lines.empty()) {
    const std::size_t end = lines.find('\n');
    std::int64_t id = 0;
    const auto [rest, fault] = std::from_chars(lines.data(), lines.data() + lines.size(), id);
    if (end == lines.npos || fault != std::errc() || rest == lines.data() + lines.size() || *rest != ',') return false;
    use(id, std::string(lines.substr(0, end + 1)));
    lines.remove_prefix(end + 1);
  }
  return true;
}

[[noreturn]] void refuse_partial(const std::filesystem::path& partial, const std::string& what) {
  throw Error(fmt::format("{}: {}", partial.string(), what),
              "Delete it to compute all records anew, or give another --out.");
}

// What an interrupted run left.
Rows load_partial(const std::filesystem::path& partial, const nlohmann::json& source) {
  if (!std::filesystem::exists(std::filesystem::symlink_status(partial))) return {};
  const std::string text = read_file(partial);
  if (!text.starts_with(kPartialMagic)) refuse_partial(partial, "is no unfinished table of this program");
  std::string_view rest = text;
  const auto take_line = [&rest] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return line;
  };
  const std::string_view stored = take_line().substr(kPartialMagic.size());
  if (stored != to_string(content_hash(rest))) refuse_partial(partial, "damaged: its checksum differs");
  const nlohmann::json before = parse_json(take_line().substr(2));
  for (const auto& [key, value] : source.items())
    if (before.value(key, nlohmann::json()) != value)
      refuse_partial(partial, fmt::format("was made of other data: '{}' was {}, and is {} now", key,
                                          short_json(before.value(key, nlohmann::json())), short_json(value)));
  const std::string columns = header();
  const std::size_t reasons = rest.find(kMissingHeader), stamps = rest.find(kStampsHeader);
  if (!rest.starts_with(columns) || reasons == rest.npos || stamps == rest.npos)
    refuse_partial(partial, "has other columns than this version computes");
  Rows rows;
  const auto section = [&rest](std::size_t first, std::size_t last) { return rest.substr(first, last - first); };
  if (!each_line(section(columns.size(), reasons), [&](auto id, const auto& line) { rows.values[id] = line; }) ||
      !each_line(section(reasons + kMissingHeader.size(), stamps),
                 [&](auto id, const auto& line) { rows.missing[id] += line; }) ||
      !each_line(section(stamps + kStampsHeader.size(), rest.size()),
                 [&](auto id, const auto& line) { rows.stamps[id] = line; }))
    refuse_partial(partial, "has a line that is none of its rows");
  return rows;
}

std::filesystem::path path_of(const PtbxlRow& row, const DatasetFeaturesOptions& options) {
  return options.folder / (options.high_rate ? row.filename_hr : row.filename_lr);
}

// Sizes and times of the record's files; other ones mean that the record has changed. Files that cannot be read are
// the readers' business.
std::string stamp_line(const PtbxlRow& row, const DatasetFeaturesOptions& options) {
  const std::filesystem::path path = path_of(row, options).string() + ".hea";
  std::string stamps;
  const auto add = [&stamps](const std::filesystem::path& file) {
    const FileStamp stamp = stamp_of(file).value_or(FileStamp{});
    stamps += fmt::format("{} {} {};", stamp.size, stamp.modified_ns, stamp.changed_ns);
  };
  add(path);
  try {
    const WfdbHeader header = read_wfdb_header(path);
    for (const WfdbSignalSpec& signal : header.signals) add(wfdb_signal_path(header, signal));
  } catch (const Error&) {
    stamps += "unreadable";
  }
  return fmt::format("{},{}\n", row.ecg_id, to_string(content_hash(stamps)));
}

// Forgets rows of records that have changed since, and says how many.
void forget_changed(const PtbxlDatabase& database, const DatasetFeaturesOptions& options, Rows& rows) {
  std::int64_t changed = 0;
  for (const PtbxlRow& row : database.rows) {
    const auto stamp = rows.stamps.find(row.ecg_id);
    if (stamp != rows.stamps.end() && stamp->second == stamp_line(row, options)) continue;
    changed += static_cast<std::int64_t>(rows.values.erase(row.ecg_id));
    rows.missing.erase(row.ecg_id);
  }
  if (changed > 0) log_warning("{} records have changed since the interrupted run and are computed anew", changed);
}

// A table that somebody else named so is not ours to replace: the user has not named it.
void check_missing_path(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return;
  if (read_file(path).starts_with(kMissingHeader)) return;
  throw Error(fmt::format("{}: is no table of reasons of missing values, and would be replaced by one", path.string()),
              "Move it elsewhere, or give another --out.");
}

// Before anything is read or written: other files go beside the table, so its place must be one for files.
void check_out(const std::filesystem::path& out) {
  if (const std::filesystem::path parent = out.parent_path();
      !parent.empty() && !std::filesystem::is_directory(parent)) {
    throw Error(fmt::format("{}: the folder '{}' is not there", out.string(), parent.string()),
                "Make it, or give another --out.");
  }
  check_destination(out);
  std::error_code ignored;
  const std::filesystem::file_status there = std::filesystem::symlink_status(out, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    throw Error(fmt::format("{}: is no regular file, and the reasons of missing values go beside it", out.string()),
                "Give an --out in a folder where you may write.");
}

struct Done {
  std::string values, missing, stamp;
  bool found = true;
  std::string damage = {};  // why the record cannot be read
};

Done one_record(const PtbxlRow& row, const DatasetFeaturesOptions& options) {
  const std::string& name = options.high_rate ? row.filename_hr : row.filename_lr;
  const std::filesystem::path path = path_of(row, options);
  if (name.empty() || !std::filesystem::exists(path.string() + ".hea")) {
    if (options.skip_missing) return {"", "", "", false};
    const std::string what = name.empty() ? fmt::format("no {}", options.high_rate ? "filename_hr" : "filename_lr")
                                          : "'" + name + "' is not there";
    throw Error(fmt::format("{}: ecg_id {}: {}", row.place, row.ecg_id, what),
                "Use --skip-missing to go on without such records.");
  }
  std::string stamp = stamp_line(row, options);  // Before reading: what changes meanwhile looks changed later.
  const dsp::FeatureRow features = dsp::compute_features(read_wfdb(path), row.person);
  Done done{fmt::format("{}", row.ecg_id), "", std::move(stamp), true};
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

Done try_record(const PtbxlRow& row, const DatasetFeaturesOptions& options) {
  if (!options.skip_damaged) return one_record(row, options);
  const std::string& name = options.high_rate ? row.filename_hr : row.filename_lr;
  if (name.empty() || !std::filesystem::exists(path_of(row, options).string() + ".hea"))
    return one_record(row, options);
  try {
    return one_record(row, options);
  } catch (const Error& error) {
    return {"", "", "", true, error.what()};
  }
}

}  // namespace

DatasetFeaturesResult write_dataset_features(const DatasetFeaturesOptions& options) {
  constexpr std::int64_t kAtOnce = 100;
  const std::filesystem::path out = options.out, partial = out.string() + ".partial";
  const std::filesystem::path csv = options.folder / "ptbxl_database.csv";
  const std::string table = read_file(csv);
  const PtbxlDatabase database = parse_ptbxl_database(table, csv);
  check_out(out);
  const FolderLock lock = FolderLock::of_file(out);
  check_missing_path(missing_path(out));
  const nlohmann::json source = source_of(options, table);
  Rows rows = load_partial(partial, source);
  if (!rows.values.empty()) forget_changed(database, options, rows);
  std::vector<const PtbxlRow*> left;
  for (const PtbxlRow& row : database.rows) {
    if (!rows.values.contains(row.ecg_id)) left.push_back(&row);
  }
  if (left.size() < database.rows.size())
    log_info("{} of {} records were there already", rows.values.size(), database.rows.size());
  DatasetFeaturesResult result;
  const auto total = static_cast<std::int64_t>(left.size());
  std::int64_t saved = 0;
  for (std::int64_t first = 0; first < total;) {
    std::vector<Done> done(static_cast<std::size_t>(std::min({kAtOnce, total - first, options.between_saves})));
    parallel_for(static_cast<std::int64_t>(done.size()), [&](std::int64_t i) {
      done[static_cast<std::size_t>(i)] = try_record(*left[static_cast<std::size_t>(first + i)], options);
    });
    for (std::size_t i = 0; i < done.size(); ++i) {
      const std::int64_t id = left[static_cast<std::size_t>(first) + i]->ecg_id;
      if (!done[i].damage.empty()) result.damaged.push_back({id, std::move(done[i].damage)});
      result.skipped += done[i].found ? 0 : 1;
      if (done[i].values.empty()) continue;
      rows.values[id] = std::move(done[i].values);
      rows.stamps[id] = std::move(done[i].stamp);
      if (!done[i].missing.empty()) rows.missing[id] = std::move(done[i].missing);
    }
    first += static_cast<std::int64_t>(done.size());
    result.done = first;
    result.stopped = first < total && options.stop && options.stop();
    if (first < total && (result.stopped || first - saved >= options.between_saves)) {
      save_partial(rows, partial, source);
      saved = first;
    }
    if (options.progress) options.progress(result.done, total);
    if (result.stopped) return result;
  }
  save(rows, out);
  std::filesystem::remove(partial);
  result.written = static_cast<std::int64_t>(rows.values.size());
  return result;
}

}  // namespace cardiograd::data
