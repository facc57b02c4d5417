#include "data/prepare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/prepare_parts.h"
#include "data/prepare_recording.h"
#include "data/ptbxl.h"
#include "data/signal_cache.h"
#include "data/wfdb.h"
#include "ecg/leads.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr int kCacheVersion = 1;  // Raise it when the same sources and settings give other values.
constexpr std::size_t kNamed = 10;

struct Source {
  fs::path csv;
  ContentHash csv_hash;
  PtbxlDatabase database;
  ScpTable statements;
};

Source read_source(const PrepareSettings& settings) {
  if (!fs::is_directory(settings.folder)) {
    const bool file = fs::exists(settings.folder);
    throw Error(
        fmt::format("{}: {}", settings.folder.string(), file ? "is a file, expected a folder" : "no such folder"),
        file && settings.folder.filename() == "ptbxl_database.csv"
            ? fmt::format("Give the folder that it lies in: {}.", settings.folder.parent_path().string())
            : "Give the folder that holds ptbxl_database.csv and scp_statements.csv.");
  }
  Source source;
  source.csv = settings.folder / "ptbxl_database.csv";
  const std::string text = read_file(source.csv);
  source.csv_hash = content_hash(text);
  source.database = parse_ptbxl_database(text, source.csv);
  source.statements = ScpTable::read(settings.folder / "scp_statements.csv");
  if (source.database.rows.empty())
    throw Error(fmt::format("{}: no records", source.csv.string()), "Expected one row per record.");
  return source;
}

// Each row's record at the rate of the settings, without extension.
std::vector<std::string> stems_of(const PrepareSettings& settings, const Source& source) {
  if (settings.rate != 100 && settings.rate != 500)
    throw UsageError(fmt::format("sampling rate {} Hz", settings.rate), "PTB-XL comes at 100 and 500 Hz.");
  const bool low = settings.rate == 100;
  if (low ? !source.database.has_lr : !source.database.has_hr)
    throw Error(
        fmt::format("{}: no column '{}' for the records at {} Hz, only {}", source.csv.string(),
                    low ? "filename_lr" : "filename_hr", settings.rate, fmt::join(source.database.columns, ", ")),
        fmt::format("This set may have records at {} Hz only.", low ? 500 : 100));
  std::vector<std::string> stems;
  for (const auto& row : source.database.rows) stems.push_back(low ? row.filename_lr : row.filename_hr);
  return stems;
}

// Whether the header and all signal files that it names are there. A header that cannot be read counts as there: the
// reading says what is wrong with it.
bool is_there(const fs::path& folder, const std::string& stem) {
  std::error_code ignored;
  const fs::path path = folder / (stem + ".hea");
  if (stem.empty() || !fs::exists(path, ignored)) return false;
  try {
    const WfdbHeader header = read_wfdb_header(path);
    return std::all_of(header.signals.begin(), header.signals.end(), [&](const WfdbSignalSpec& signal) {
      return fs::exists(wfdb_signal_path(header, signal), ignored);
    });
  } catch (const Error&) {
    return true;
  }
}

[[noreturn]] void fail_missing(const PrepareSettings& settings, const Source& source,
                               const std::vector<std::string>& stems, const std::vector<std::size_t>& missing) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < std::min(missing.size(), kNamed); ++i) {
    const std::string& stem = stems[missing[i]];
    names.push_back(fmt::format("ecg_id {} ({})", source.database.rows[missing[i]].ecg_id,
                                stem.empty() ? fmt::format("no file name for {} Hz", settings.rate) : stem));
  }
  throw Error(fmt::format("{}: {} of {} records are absent: {}{}", source.csv.string(), missing.size(), stems.size(),
                          fmt::join(names, ", "), missing.size() > kNamed ? ", ..." : ""),
              "Fetch them, or go on without them with --skip-missing.");
}

// The rows of the table whose records are there; throws unless all are or the settings let some be absent.
std::vector<std::int64_t> rows_present(const PrepareSettings& settings, const Source& source,
                                       const std::vector<std::string>& stems) {
  std::vector<char> there(stems.size());
  parallel_for(static_cast<std::int64_t>(stems.size()), [&](std::int64_t i) {
    const auto row = static_cast<std::size_t>(i);
    there[row] = is_there(settings.folder, stems[row]) ? 1 : 0;
  });
  std::vector<std::int64_t> present;
  std::vector<std::size_t> missing;
  for (std::size_t row = 0; row < there.size(); ++row) {
    if (there[row] != 0) {
      present.push_back(static_cast<std::int64_t>(row));
    } else {
      missing.push_back(row);
    }
  }
  if (!missing.empty() && (!settings.skip_missing || present.empty())) fail_missing(settings, source, stems, missing);
  return present;
}

std::string filter_text(const PrepareSettings& settings, const std::string& unit_of_source) {
  if (settings.recording.normalize == Normalize::kNone) return settings.recording.filter.description;
  return unit_of_source == "z" ? "none" : settings.recording.normalize_filter.description + ", z-score per record";
}

// Reads the record with stamps of its files. They are taken before the reading: a file that changes meanwhile then
// looks changed to the next run.
DigitalRecording read_stamped(const fs::path& folder, const std::string& stem, PreparedRecord& record) {
  const WfdbHeader header = read_wfdb_header(folder / (stem + ".hea"));
  std::map<fs::path, FileStamp> stamps;
  stamps[header.path] = stamp_of(header.path).value_or(FileStamp{});
  for (const auto& signal : header.signals) {
    const fs::path path = wfdb_signal_path(header, signal);
    if (!stamps.contains(path)) stamps[path] = stamp_of(path).value_or(FileStamp{});
  }
  auto digital = read_wfdb_digital(header.path, [&](const fs::path& path, std::string_view content) {
    FileStamp stamp = stamps[path];
    stamp.hash = content_hash(content);
    record.files.push_back(path.lexically_relative(folder).string());
    record.stamps.push_back(stamp);
  });
  return digital;
}

// `stem`: the record's path relative to the settings' folder, without extension.
PreparedRecord prepare_record(const PrepareSettings& settings, const std::string& stem, const ecg::Person& person) {
  PreparedRecord record;
  const DigitalRecording digital = read_stamped(settings.folder, stem, record);
  if (std::abs(digital.header.rate - settings.rate) > 1e-6)
    throw Error(fmt::format("{}: sampling rate {} Hz, expected {}", digital.header.path.string(), digital.header.rate,
                            settings.rate),
                "Choose the rate that the records have.");
  return prepare_digital(settings.recording, digital, person, std::move(record));
}

// Copies a record to its place after comparing it with the first one, which gave the set its length and unit.
void place_record(const PreparedRecord& record, std::size_t index, const fs::path& path, SignalCache& cache) {
  if (record.samples != cache.samples)
    throw Error(fmt::format("{}: {} samples, the first record has {}", path.string(), record.samples, cache.samples),
                "All records of a set must be equally long.");
  if (record.unit != cache.unit)
    throw Error(fmt::format("{}: in {}, the first record is in {}", path.string(), record.unit, cache.unit),
                "All records of a set must share one unit; --normalize zscore brings them to one.");
  const auto copy = [index](const auto& from, auto& to) {
    std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(index * from.size()));
  };
  copy(record.signal, cache.signals);
  copy(record.scales, cache.scales);
  copy(record.features, cache.features);
  cache.invalid_samples[index] = record.invalid_samples;
  cache.flat_leads[index] = record.flat_leads;
}

// Makes room for all records, after the first one that can be used: it gives the set its length and unit. Returns its
// index; those before it go to `failures`.
std::size_t begin_cache(const PrepareSettings& settings, const std::function<PreparedRecord(std::int64_t)>& prepare_row,
                        SignalCache& cache, RecordFailures& failures) {
  PreparedRecord first;
  std::int64_t index = 0;
  const auto records = static_cast<std::int64_t>(cache.rows.size());
  for (; first.signal.empty(); ++index) {
    if (index == records) failures.rethrow();
    try {
      first = prepare_row(index);
    } catch (const Error& error) {
      if (!settings.skip_damaged) throw;
      failures.add(index, error);
    }
  }
  cache.samples = first.samples;
  cache.leads = static_cast<std::int64_t>(ecg::kStandardLeadCount);
  cache.unit = first.unit;
  cache.filter = filter_text(settings, first.source_unit);
  cache.signals.resize(cache.rows.size() * first.signal.size());
  cache.scales.resize(cache.rows.size() * first.scales.size());
  cache.features.resize(cache.rows.size() * first.features.size());
  cache.invalid_samples.resize(cache.rows.size());
  cache.flat_leads.resize(cache.rows.size());
  return static_cast<std::size_t>(index - 1);
}

// Takes the records that failed out of the cache, and says there why.
void drop_damaged(const RecordFailures& failures, const fs::path& folder, const std::vector<std::string>& stems,
                  SignalCache& cache) {
  const std::size_t records = cache.rows.size();
  if (2 * failures.count() > records) failures.rethrow();
  std::vector<std::size_t> kept;
  const std::vector<std::int64_t> rows = std::exchange(cache.rows, {});
  for (std::size_t i = 0; i < records; ++i) {
    const std::string* what = failures.of(static_cast<std::int64_t>(i));
    if (what == nullptr) {
      kept.push_back(i);
      cache.rows.push_back(rows[i]);
    } else {
      cache.damaged_rows.push_back(rows[i]);
      cache.damage.push_back(*what);
      add_damaged_files(folder, stems[static_cast<std::size_t>(rows[i])], cache);
    }
  }
  compact(cache.signals, records, kept);
  compact(cache.scales, records, kept);
  compact(cache.features, records, kept);
  compact(cache.invalid_samples, records, kept);
  compact(cache.flat_leads, records, kept);
}

SignalCache build(const PrepareSettings& settings, const Source& source, const std::vector<std::string>& stems,
                  const std::string& key) {
  SignalCache cache;
  cache.key = key;
  cache.rows = rows_present(settings, source, stems);
  const auto records = static_cast<std::int64_t>(cache.rows.size());
  const auto prepare_row = [&](std::int64_t index) {
    const auto row = static_cast<std::size_t>(cache.rows[static_cast<std::size_t>(index)]);
    return prepare_record(settings, stems[row], source.database.rows[row].person);
  };
  RecordFailures failures;
  const std::size_t first = begin_cache(settings, prepare_row, cache, failures);
  SourceFiles files(cache.rows.size());
  std::mutex progress_mutex;
  std::int64_t done = 0;
  parallel_for(records, [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    try {
      if (index >= first) {  // Those before have failed.
        const PreparedRecord record = prepare_row(i);
        place_record(record, index, settings.folder / stems[static_cast<std::size_t>(cache.rows[index])], cache);
        files.add(index, record);
      }
    } catch (const Error& error) {
      failures.add(i, error);
    }
    const std::lock_guard lock(progress_mutex);
    ++done;
    if (settings.progress) settings.progress(done, records);
  });
  if (!settings.skip_damaged) failures.rethrow();
  files.move_to(cache);
  if (failures.count() > 0) drop_damaged(failures, settings.folder, stems, cache);
  return cache;
}

// Everything but the records' own files that the signals and features depend on.
std::string cache_key(const PrepareSettings& settings, const Source& source) {
  const nlohmann::json key = {{"version", kCacheVersion},
                              {"table", to_string(source.csv_hash)},
                              {"rate", settings.rate},
                              {"filter", settings.recording.filter.description},
                              {"normalize", settings.recording.normalize == Normalize::kZscore ? "zscore" : "none"},
                              {"normalize_filter", settings.recording.normalize_filter.description},
                              {"features", settings.recording.features.key},
                              {"feature_names", settings.recording.features.names}};
  return key.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// One file per folder and settings, so that a changed table replaces its old cache.
fs::path cache_path(const PrepareSettings& settings) {
  const fs::path folder = settings.cache_folder.value_or(default_cache_folder());
  if (!settings.use_cache || folder.empty()) return {};
  const nlohmann::json what = {
      fs::canonical(settings.folder).string(), settings.rate, settings.recording.filter.description,
      settings.recording.normalize == Normalize::kZscore ? settings.recording.normalize_filter.description : "",
      settings.recording.features.key};
  return folder /
         fmt::format("{}-{}hz-{}.cache", fs::canonical(settings.folder).filename().string(), settings.rate,
                     to_string(content_hash(what.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)))
                         .substr(0, 16));
}

void save(const fs::path& path, const SignalCache& cache) {
  try {
    fs::create_directories(path.parent_path());
    save_signal_cache(path, cache);
  } catch (const Error& error) {
    log_warning("no cache, the next run prepares again: {}", error.what());
  } catch (const fs::filesystem_error& error) {
    log_warning("no cache, the next run prepares again: {}", error.what());
  }
}

// Absent records may have come since: then the cache is out of date.
bool absent_came(const PrepareSettings& settings, const std::vector<std::string>& stems, const SignalCache& cache) {
  std::size_t next = 0;
  for (std::size_t row = 0; row < stems.size(); ++row) {
    const auto known = static_cast<std::int64_t>(row);
    if (next < cache.rows.size() && cache.rows[next] == known) {
      ++next;
    } else if (!std::binary_search(cache.damaged_rows.begin(), cache.damaged_rows.end(), known) &&
               is_there(settings.folder, stems[row])) {
      return true;
    }
  }
  return false;
}

std::optional<SignalCache> from_cache(const PrepareSettings& settings, const std::vector<std::string>& stems,
                                      const fs::path& path, const std::string& key) {
  std::string reason;
  auto cache = load_signal_cache(path, key, reason);
  const auto beyond = [&](const std::vector<std::int64_t>& rows) {
    return !rows.empty() && (rows.front() < 0 || rows.back() >= static_cast<std::int64_t>(stems.size()));
  };
  if (cache && (cache->leads != static_cast<std::int64_t>(ecg::kStandardLeadCount) || cache->rows.empty() ||
                beyond(cache->rows) || beyond(cache->damaged_rows)))
    cache.reset();
  if (!cache) {
    log_info("cache {} is not used: {}", path.string(), reason);
    return std::nullopt;
  }
  std::string changed;
  const Sources sources = check_sources(settings.folder, *cache, changed);
  if (sources == Sources::kChanged) {
    log_info("cache {} is not used: {} has changed", path.string(), changed);
    return std::nullopt;
  }
  if (absent_came(settings, stems, *cache)) {
    log_info("cache {} is not used: a record that was absent is there now", path.string());
    return std::nullopt;
  }
  if (!settings.skip_damaged && !cache->damaged_rows.empty()) {
    log_info("cache {} is not used: {} damaged records were left out of it", path.string(), cache->damaged_rows.size());
    return std::nullopt;
  }
  if (sources == Sources::kTouched) save(path, *cache);
  return cache;
}

void note(Finding& finding, std::int64_t count, std::int64_t ecg_id) {
  if (count == 0) return;
  finding.count += count;
  ++finding.records;
  if (finding.first_ids.size() < kNamed) finding.first_ids.push_back(ecg_id);
}

// Labels, folds and persons of the records with a class (or of all), and their signals and features.
Dataset select(const PrepareSettings& settings, const Source& source, SignalCache&& cache) {
  Dataset set;
  set.task = settings.task;
  set.unlabeled = settings.unlabeled;
  set.class_names = source.statements.class_names(settings.task);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < cache.rows.size(); ++i) {
    const PtbxlRow& row = source.database.rows[static_cast<std::size_t>(cache.rows[i])];
    const auto labels = source.statements.labels(row.statements, settings.task);
    const bool labeled = std::find(labels.begin(), labels.end(), 1) != labels.end();
    if (!labeled) ++set.unlabeled_records;
    if (!labeled && settings.unlabeled == Unlabeled::kDrop) continue;
    kept.push_back(i);
    set.labels.insert(set.labels.end(), labels.begin(), labels.end());
    set.folds.push_back(row.fold);
    set.ecg_ids.push_back(row.ecg_id);
    set.ages.push_back(static_cast<float>(row.person.age));
    set.sexes.push_back(static_cast<float>(row.person.sex));
    set.ages_over_89 += row.age_over_89 ? 1 : 0;
    note(set.invalid_samples, cache.invalid_samples[i], row.ecg_id);
    note(set.flat_leads, std::popcount(static_cast<std::uint64_t>(cache.flat_leads[i])), row.ecg_id);
  }
  if (kept.empty())
    throw Error(fmt::format("{}: none of {} records has a class of the task {}", source.csv.string(), cache.rows.size(),
                            task_name(settings.task)),
                "Choose to keep unlabeled records, or another task.");
  compact(cache.signals, cache.rows.size(), kept);
  compact(cache.scales, cache.rows.size(), kept);
  compact(cache.features, cache.rows.size(), kept);
  set.signals = std::move(cache.signals);
  set.scales = std::move(cache.scales);
  set.features = std::move(cache.features);
  set.feature_names =
      settings.recording.features.compute ? settings.recording.features.names : std::vector<std::string>();
  set.records = static_cast<std::int64_t>(kept.size());
  set.samples = cache.samples;
  set.leads = cache.leads;
  set.rate = settings.rate;
  set.unit = cache.unit;
  set.filter = cache.filter;
  set.lead_names.assign(ecg::kStandardLeads.begin(), ecg::kStandardLeads.end());
  set.version = source.database.version;
  std::error_code ignored;
  set.synthetic = fs::exists(settings.folder / kSyntheticMarker, ignored);
  set.table_records = static_cast<std::int64_t>(source.database.rows.size());
  set.missing_records = set.table_records - static_cast<std::int64_t>(cache.rows.size() + cache.damaged_rows.size());
  for (std::size_t i = 0; i < cache.damaged_rows.size(); ++i)
    set.damaged.push_back(
        {source.database.rows[static_cast<std::size_t>(cache.damaged_rows[i])].ecg_id, cache.damage[i]});
  return set;
}

void warn(const Dataset& set) {
  const auto say = [](const Finding& finding, const char* what) {
    if (finding.count > 0)
      log_warning("{} {} in {} records, first ecg_id {}", finding.count, what, finding.records,
                  fmt::join(finding.first_ids, ", "));
  };
  say(set.invalid_samples, "invalid samples");
  say(set.flat_leads, "flat leads");
  if (set.missing_records > 0)
    log_warning("{} of {} records are absent and left out", set.missing_records, set.table_records);
  warn_of_damaged(set.damaged, set.table_records);
}

}  // namespace

Dataset prepare(const PrepareSettings& settings) {
  if (settings.recording.normalize == Normalize::kZscore && !settings.recording.normalize_filter.apply)
    throw UsageError("normalizing by z-score needs its filter", "Set normalize_filter to the 0.5-40 Hz band-pass.");
  const Source source = read_source(settings);
  const auto stems = stems_of(settings, source);
  const fs::path path = cache_path(settings);
  const std::string key = cache_key(settings, source);
  std::optional<SignalCache> cache;
  if (!path.empty()) cache = from_cache(settings, stems, path, key);
  const bool served = cache.has_value();
  if (!served) {
    cache = build(settings, source, stems, key);
    if (!path.empty()) save(path, *cache);
  } else if (!settings.skip_missing && cache->rows.size() + cache->damaged_rows.size() < stems.size()) {
    rows_present(settings, source, stems);  // Throws, naming them.
  }
  Dataset set = select(settings, source, std::move(*cache));
  set.from_cache = served;
  warn(set);
  return set;
}

}  // namespace cardiograd::data
