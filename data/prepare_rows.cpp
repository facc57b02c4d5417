#include "data/prepare_rows.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/threads.h"
#include "data/prepare_parts.h"
#include "data/prepare_recording.h"
#include "data/wfdb.h"
#include "ecg/leads.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

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

PreparedRecord prepare_row(const PrepareSettings& settings, const PrepareSource& source, std::int64_t row) {
  const std::string& stem = source.stems[static_cast<std::size_t>(row)];
  const ecg::Person& person = source.database.rows[static_cast<std::size_t>(row)].person;
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

// Takes the records that failed out of the cache, and says there why.
void drop_damaged(const RecordFailures& failures, const fs::path& folder, const std::vector<std::string>& stems,
                  SignalCache& cache) {
  const std::size_t records = cache.rows.size();
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

// Room for all of cache.rows.
void make_room(const PrepareSettings& settings, SignalCache& cache) {
  const std::size_t records = cache.rows.size(), leads = ecg::kStandardLeadCount;
  const bool has_features = static_cast<bool>(settings.recording.features.compute);
  cache.leads = static_cast<std::int64_t>(leads);
  cache.signals.resize(records * static_cast<std::size_t>(cache.samples) * leads);
  cache.scales.resize(records * leads);
  cache.features.resize(has_features ? records * settings.recording.features.names.size() : 0);
  cache.invalid_samples.resize(records);
  cache.flat_leads.resize(records);
}

}  // namespace

SetShape shape_of_set(const PrepareSettings& settings, const PrepareSource& source,
                      const std::vector<std::int64_t>& rows) {
  RecordFailures failures;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    try {
      const PreparedRecord first = prepare_row(settings, source, rows[i]);
      return {first.samples, first.unit, filter_text(settings.recording, first.source_unit)};
    } catch (const Error& error) {
      if (!settings.skip_damaged) throw;
      failures.add(static_cast<std::int64_t>(i), error);
    }
  }
  failures.rethrow();
  throw Error(fmt::format("{}: no records", source.csv.string()), "Expected one row per record.");
}

SignalCache prepare_rows(const PrepareSettings& settings, const PrepareSource& source, std::vector<std::int64_t> rows,
                         const SetShape& shape, const std::function<void(std::int64_t done)>& progress) {
  SignalCache cache;
  cache.rows = std::move(rows);
  cache.samples = shape.samples;
  cache.unit = shape.unit;
  cache.filter = shape.filter;
  make_room(settings, cache);
  RecordFailures failures;
  SourceFiles files(cache.rows.size());
  std::mutex progress_mutex;
  std::int64_t done = 0;
  parallel_for(static_cast<std::int64_t>(cache.rows.size()), [&](std::int64_t i) {
    const auto index = static_cast<std::size_t>(i);
    const std::int64_t row = cache.rows[index];
    try {
      const PreparedRecord record = prepare_row(settings, source, row);
      place_record(record, index, settings.folder / source.stems[static_cast<std::size_t>(row)], cache);
      files.add(index, record);
    } catch (const Error& error) {
      failures.add(i, error);
    }
    const std::lock_guard lock(progress_mutex);
    progress(++done);
  });
  if (!settings.skip_damaged) failures.rethrow();
  files.move_to(cache);
  if (failures.count() > 0) drop_damaged(failures, settings.folder, source.stems, cache);
  return cache;
}

}  // namespace cardiograd::data
