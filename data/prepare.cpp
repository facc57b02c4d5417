#include "data/prepare.h"

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "data/prepare_cache.h"
#include "data/prepare_parts.h"
#include "data/prepare_rows.h"
#include "data/prepare_shards.h"
#include "data/prepare_source.h"
#include "data/synthetic_marker.h"
#include "ecg/leads.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

// Labels, folds and persons of the cache's records with a class (or of all), their scales and features. Returns which
// of its records these are.
std::vector<std::size_t> add_records(const PrepareSettings& settings, const PrepareSource& source, SignalCache& cache,
                                     Dataset& set) {
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
    set.invalid_samples.add(cache.invalid_samples[i], row.ecg_id);
    set.flat_leads.add(std::popcount(static_cast<std::uint64_t>(cache.flat_leads[i])), row.ecg_id);
  }
  for (std::size_t i = 0; i < cache.damaged_rows.size(); ++i)
    set.damaged.push_back(
        {source.database.rows[static_cast<std::size_t>(cache.damaged_rows[i])].ecg_id, cache.damage[i]});
  compact(cache.scales, cache.rows.size(), kept);
  compact(cache.features, cache.rows.size(), kept);
  set.scales.insert(set.scales.end(), cache.scales.begin(), cache.scales.end());
  set.features.insert(set.features.end(), cache.features.begin(), cache.features.end());
  set.records += static_cast<std::int64_t>(kept.size());
  set.missing_records -= static_cast<std::int64_t>(cache.rows.size() + cache.damaged_rows.size());
  set.samples = cache.samples;
  set.leads = cache.leads;
  set.unit = cache.unit;
  set.filter = cache.filter;
  return kept;
}

// A record of each folder: where these lie, the others do.
std::vector<fs::path> first_of_folders(const fs::path& folder, const std::vector<std::string>& stems) {
  std::map<fs::path, fs::path> firsts;
  for (const std::string& stem : stems)
    if (!stem.empty()) firsts.try_emplace(fs::path(stem).parent_path(), folder / stem);
  std::vector<fs::path> records;
  for (const auto& [parent, record] : firsts) records.push_back(record);
  return records;
}

// What is known before the records: the rest is added by add_records().
Dataset begin_set(const PrepareSettings& settings, const PrepareSource& source) {
  Dataset set;
  set.task = settings.task;
  set.unlabeled = settings.unlabeled;
  set.class_names = source.statements.class_names(settings.task);
  set.feature_names =
      settings.recording.features.compute ? settings.recording.features.names : std::vector<std::string>();
  set.rate = settings.rate;
  set.lead_names.assign(ecg::kStandardLeads.begin(), ecg::kStandardLeads.end());
  set.version = source.database.version;
  set.synthetic = are_synthetic(settings.folder, first_of_folders(settings.folder, source.stems));
  set.table_records = static_cast<std::int64_t>(source.database.rows.size());
  set.missing_records = set.table_records;
  return set;
}

// Throws for what the settings do not allow, and where nothing is left.
void check_set(const PrepareSettings& settings, const PrepareSource& source, const Dataset& set) {
  const std::int64_t damaged = static_cast<std::int64_t>(set.damaged.size());
  const std::int64_t there = set.table_records - set.missing_records;
  if (2 * damaged > there)
    throw Error(damaged == 1 ? set.damaged.front().what
                             : fmt::format("{} (and {} more records failed)", set.damaged.front().what, damaged - 1),
                "More than half of the records cannot be used: look at the first of them.");
  if (set.missing_records > 0 && !settings.skip_missing) rows_present(settings, source);  // Throws, naming them.
  if (set.records == 0)
    throw Error(fmt::format("{}: none of {} records has a class of the task {}", source.csv.string(), there - damaged,
                            task_name(settings.task)),
                "Choose to keep unlabeled records, or another task.");
}

// In memory, by way of one cache file.
void fill_whole(const PrepareSettings& settings, const PrepareSource& source, const fs::path& path,
                const std::string& key, Dataset& set) {
  std::optional<SignalCache> cache;
  std::unique_ptr<FolderLock> lock;
  if (!path.empty()) cache = load_cache(settings, source, path, key);
  set.from_cache = cache.has_value();
  if (!cache) {
    std::vector<std::int64_t> rows = rows_present(settings, source);
    const SetShape shape = shape_of_set(settings, source, rows);
    const auto total = static_cast<std::int64_t>(rows.size());
    const auto tell = [&](std::int64_t done) {
      if (settings.progress) settings.progress(done, total);
    };
    const bool keep = !path.empty() && can_keep(path);
    if (keep) {
      expect_room(
          path.parent_path(), static_cast<double>(total),
          static_cast<double>(shape.samples) * static_cast<double>(ecg::kStandardLeadCount * sizeof(std::int16_t)));
      bool waited = false;
      lock = wait_for_turn(path, Waiting([&] {
                             waited = true;
                             tell(0);
                           }));
      if (waited) cache = load_cache(settings, source, path, key);
    }
    if (!cache) {
      ShowLife show_life(lock.get());
      cache = prepare_rows(settings, source, std::move(rows), shape, [&](std::int64_t done) {
        show_life();
        tell(done);
      });
      cache->key = key;
      if (keep && 2 * cache->damaged_rows.size() <= static_cast<std::size_t>(total)) save_or_warn(path, *cache);
    }
  }
  const std::vector<std::size_t> kept = add_records(settings, source, *cache, set);
  compact(cache->signals, cache->rows.size(), kept);
  set.signals = std::move(cache->signals);
}

// In files, one cache file for each part of the table.
void fill_mapped(const PrepareSettings& settings, const PrepareSource& source, const ShardLayout& layout,
                 Dataset& set) {
  ShardedCache cache = prepare_shards(settings, source, layout);
  set.from_cache = cache.served;
  std::size_t records = 0;
  for (const MappedCache& shard : cache.shards) records += shard.cache.rows.size();
  set.scales.reserve(records * ecg::kStandardLeadCount);
  set.features.reserve(records * set.feature_names.size());
  const SignalCache& first = cache.shards.front().cache;
  const auto signals = std::make_shared<MappedSignals>(first.samples * first.leads);
  for (MappedCache& shard : cache.shards) {
    const std::vector<std::size_t> kept = add_records(settings, source, shard.cache, set);
    signals->add(std::move(shard.file), shard.signals_at, kept);
    shard.cache = {};
  }
  set.mapped = signals;
}

void warn(const Dataset& set, const PtbxlDatabase& database) {
  for (const std::string& leak : database.leaks) log_warning("{}", leak);
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
  const PrepareSource source = read_source(settings);
  const fs::path path = cache_path(settings);
  const std::string key = cache_key(settings, source);
  Dataset set = begin_set(settings, source);
  if (const auto layout = shard_layout(settings, source, path, key))
    fill_mapped(settings, source, *layout, set);
  else
    fill_whole(settings, source, path, key, set);
  check_set(settings, source, set);
  warn(set, source.database);
  return set;
}

}  // namespace cardiograd::data
