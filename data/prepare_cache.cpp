#include "data/prepare_cache.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "ecg/leads.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr int kCacheVersion = 8;  // Raise it when the same sources and settings give other values.

// Absent records may have come since: then the cache is out of date.
bool absent_came(const PrepareSettings& settings, const PrepareSource& source, RowRange range,
                 const SignalCache& cache) {
  std::size_t next = 0;
  for (std::int64_t row = range.first; row < range.end; ++row) {
    if (next < cache.rows.size() && cache.rows[next] == row) {
      ++next;
    } else if (!std::binary_search(cache.damaged_rows.begin(), cache.damaged_rows.end(), row) &&
               is_there(settings.folder, source.stems[static_cast<std::size_t>(row)])) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string cache_key(const PrepareSettings& settings, const PrepareSource& source) {
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

std::optional<std::string> reason_against(const PrepareSettings& settings, const PrepareSource& source, RowRange range,
                                          SignalCache& cache, bool& touched) {
  const auto beyond = [&](const std::vector<std::int64_t>& rows) {
    return !rows.empty() && (rows.front() < range.first || rows.back() >= range.end);
  };
  if (cache.leads != static_cast<std::int64_t>(ecg::kStandardLeadCount) || beyond(cache.rows) ||
      beyond(cache.damaged_rows))
    return "it is of other records";
  std::string changed;
  const Sources sources = check_sources(settings.folder, cache, changed);
  if (sources == Sources::kChanged) return changed + " has changed";
  if (absent_came(settings, source, range, cache)) return "a record that was absent is there now";
  if (!settings.skip_damaged && !cache.damaged_rows.empty())
    return fmt::format("{} damaged records were left out of it", cache.damaged_rows.size());
  touched = sources == Sources::kTouched;
  return std::nullopt;
}

std::optional<SignalCache> load_cache(const PrepareSettings& settings, const PrepareSource& source,
                                      const fs::path& path, const std::string& key) {
  std::string reason;
  bool touched = false;
  auto cache = load_signal_cache(path, key, reason);
  if (cache) {
    const RowRange all = {0, static_cast<std::int64_t>(source.stems.size())};
    const auto against =
        cache->rows.empty() ? "it is of other records" : reason_against(settings, source, all, *cache, touched);
    if (against) {
      reason = *against;
      cache.reset();
    }
  }
  if (!cache) log_info("cache {} is not used: {}", path.string(), reason);
  if (cache && touched) save_or_warn(path, *cache);
  return cache;
}

void expect_room(const fs::path& folder, double records, double record_bytes) {
  std::error_code error;
  fs::path there = fs::absolute(folder);
  while (!fs::exists(there, error) && there.has_relative_path()) there = there.parent_path();
  const fs::space_info space = fs::space(there, error);
  if (error || static_cast<double>(space.available) >= records * record_bytes) return;
  const auto mega = [](double bytes) { return fmt::format("{:.{}f} MB", bytes / 1e6, bytes < 1e7 ? 2 : 0); };
  throw Error(fmt::format("{}: {} are free, and the signals of {:.0f} records take {}", folder.string(),
                          mega(static_cast<double>(space.available)), records, mega(records * record_bytes)),
              "Give a --cache where there is room.");
}

bool can_keep(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (!error && ::access(path.parent_path().c_str(), W_OK) != 0) error = {errno, std::generic_category()};
  if (!error) return true;
  log_warning("no cache, the next run prepares again: {}: cannot be written: {}", path.parent_path().string(),
              error.message());
  return false;
}

void save_or_warn(const fs::path& path, const SignalCache& cache) {
  try {
    fs::create_directories(path.parent_path());
    save_signal_cache(path, cache);
  } catch (const Error& error) {
    log_warning("no cache, the next run prepares again: {}", error.what());
  } catch (const fs::filesystem_error& error) {
    log_warning("no cache, the next run prepares again: {}: cannot be created: {}", error.path1().string(),
                error.code().message());
  }
}

void Waiting::wait(const fs::path& file, const std::string& holder) {
  constexpr auto kMoment = std::chrono::milliseconds(100);
  const auto now = std::chrono::steady_clock::now();
  // Clocks of machines differ: the lock's time is only compared with itself.
  const auto touched = FolderLock::touched(file);
  if (file != file_) log_info("{} is being made by {}: waiting", file.string(), holder);
  if (file != file_ || touched != touched_) since_ = now;
  file_ = file;
  touched_ = touched;
  if (now - since_ > silence_)
    throw Error(fmt::format("{}: is being made by {}, which has given no sign of life for {:.0f} s", file.string(),
                            holder, std::chrono::duration<double>(now - since_).count()),
                fmt::format("Look after that process and end it; then start again, with what is prepared. If it is "
                            "gone, delete .{}{} beside the file.",
                            file.filename().string(), FolderLock::kFileName));
  if (poll_) poll_();
  std::this_thread::sleep_for(kMoment);
}

void ShowLife::operator()() {
  const auto now = std::chrono::steady_clock::now();
  if (lock_ == nullptr || now - last_ < std::chrono::seconds(1)) return;
  last_ = now;
  lock_->touch();
}

std::unique_ptr<FolderLock> wait_for_turn(const fs::path& path, Waiting waiting) {
  std::error_code ignored;
  fs::create_directories(path.parent_path(), ignored);
  for (;;) {
    std::string holder;
    try {
      if (auto lock = FolderLock::try_file(path, holder)) return lock;
    } catch (const Error& error) {
      log_info("{}", error.what());
      return nullptr;
    }
    waiting.wait(path, holder);
  }
}

}  // namespace cardiograd::data
