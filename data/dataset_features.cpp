#include "data/dataset_features.h"

#include <algorithm>
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
#include "base/log.h"
#include "base/threads.h"
#include "data/csv.h"
#include "data/features_partial.h"
#include "data/ptbxl.h"
#include "data/signal_cache.h"
#include "data/wfdb.h"
#include "dsp/features/features.h"

namespace cardiograd::data {
namespace {

using Rows = FeatureRows;

std::filesystem::path missing_path(const std::filesystem::path& out) {
  return out.parent_path() / (out.stem().string() + "_missing" + out.extension().string());
}

constexpr int kDefinitions = 4;  // Raise it when a feature's definition changes: old partial tables are then refused.

// Whether a file is what write_dataset_features puts beside the table; also whether none is there.
bool is_missing_table(const std::filesystem::path& path) {
  return !path_exists(path) || read_file(path).starts_with(kMissingHeader);
}

// A table that somebody else named so is not ours to replace: the user has not named it.
void check_missing_path(const std::filesystem::path& path) {
  check_destination(path);
  std::error_code ignored;
  const std::filesystem::file_status there = std::filesystem::symlink_status(path, ignored);
  if (std::filesystem::exists(there) && !std::filesystem::is_regular_file(there))
    throw Error(fmt::format("{}: is no regular file, and the reasons of missing values go there", path.string()),
                "Move it elsewhere, or give another --out.");
  if (is_missing_table(path)) return;
  throw Error(fmt::format("{}: is no table of reasons of missing values, and would be replaced by one", path.string()),
              "Move it elsewhere, or give another --out.");
}

// What was not there before, and has appeared meanwhile, stays.
struct Before {
  explicit Before(const std::filesystem::path& path) : there(path_exists(path)) {}
  Existing existing() const { return there ? Existing::kReplace : Existing::kRefuse; }

  bool there;
};

// Both tables. The reasons' may have changed hands since it was looked at.
void save(const Rows& rows, const std::filesystem::path& out, const Before& table, const Before& reasons) {
  check_missing_path(missing_path(out));
  write_file(missing_path(out), std::string(kMissingHeader) + joined_lines(rows.missing), reasons.existing());
  write_file(out, features_header() + joined_lines(rows.values), table.existing());
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

// What an interrupted run left.
Rows load_partial(const std::filesystem::path& partial, const nlohmann::json& source) {
  if (!std::filesystem::exists(std::filesystem::symlink_status(partial))) return {};
  return parse_partial(read_file(partial), partial, source);
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
  if (name.empty() || !path_exists(path.string() + ".hea")) {
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
  if (name.empty() || !path_exists(path_of(row, options).string() + ".hea")) return one_record(row, options);
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
  // The reasons' table too: another run may have it for its own table.
  const FolderLock lock = FolderLock::of_file(out), missing_lock = FolderLock::of_file(missing_path(out));
  check_missing_path(missing_path(out));
  const Before table_before(out), missing_before(missing_path(out));
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
      write_file(partial, partial_text(rows, source));
      saved = first;
    }
    if (options.progress) options.progress(result.done, total);
    if (result.stopped) return result;
  }
  try {
    save(rows, out, table_before, missing_before);
  } catch (const Error&) {
    write_file(partial, partial_text(rows, source));  // The records need not be read again.
    throw;
  }
  std::filesystem::remove(partial);
  result.written = static_cast<std::int64_t>(rows.values.size());
  return result;
}

}  // namespace cardiograd::data
