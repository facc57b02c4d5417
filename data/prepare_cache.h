// Where prepared data are kept, whether they are still right, and who makes them.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/folder_lock.h"
#include "data/prepare_source.h"
#include "data/signal_cache.h"

namespace cardiograd::data {

// Rows first ... end - 1 of the table.
struct RowRange {
  std::int64_t first = 0;
  std::int64_t end = 0;
};

// Everything but the records' own files that the signals and features depend on.
std::string cache_key(const PrepareSettings& settings, const PrepareSource& source);

// The file of the cache, in which a changed table replaces what was there; empty without a cache.
std::filesystem::path cache_path(const PrepareSettings& settings);

// Why a cache of these rows does not fit the settings and the sources; nothing when it does. `touched`: its stamps were
// brought up to date and it should be saved again.
std::optional<std::string> reason_against(const PrepareSettings& settings, const PrepareSource& source, RowRange range,
                                          SignalCache& cache, bool& touched);

// The cache in one file, if it is right; the log says why it is not.
std::optional<SignalCache> load_cache(const PrepareSettings& settings, const PrepareSource& source,
                                      const std::filesystem::path& path, const std::string& key);

// Throws Error where the disk of `folder`, which need not be there yet, has no room for so many records of so many
// bytes.
void expect_room(const std::filesystem::path& folder, double records, double record_bytes);

// Whether a file can be put at `path`, whose folder is made; where not, a warning says so. For before the work.
bool can_keep(const std::filesystem::path& path);

// A cache that cannot be written is only warned about.
void save_or_warn(const std::filesystem::path& path, const SignalCache& cache);

// Waiting for another process that prepares the same.
class Waiting {
 public:
  // Longer than a shard takes to be written to a slow disk, and than a network file system keeps an old time of a file.
  static constexpr std::chrono::seconds kSilence{180};

  // `poll` may throw to end it.
  explicit Waiting(std::function<void()> poll, std::chrono::milliseconds silence = kSilence)
      : poll_(std::move(poll)), silence_(silence) {}
  // A moment, till `holder` has made `file`. The log says so when it begins. Throws Error when the holder has given no
  // sign of life (ShowLife) for the time of silence.
  void wait(const std::filesystem::path& file, const std::string& holder);

 private:
  std::function<void()> poll_;
  std::chrono::milliseconds silence_;
  std::filesystem::path file_;
  std::optional<std::filesystem::file_time_type> touched_;
  std::chrono::steady_clock::time_point since_;  // when the holder had touched its lock so
};

// What those who wait look for, about once a second while work on the lock's file goes on.
class ShowLife {
 public:
  // Nothing without a lock, which must live as long.
  explicit ShowLife(const FolderLock* lock) : lock_(lock) {}
  void operator()();

 private:
  const FolderLock* lock_;
  std::chrono::steady_clock::time_point last_{};
};

// The right to make the cache file, when nobody else makes it (any more); nothing where a lock cannot be made: then
// two processes may do the same work.
std::unique_ptr<FolderLock> wait_for_turn(const std::filesystem::path& path, Waiting waiting);

}  // namespace cardiograd::data
