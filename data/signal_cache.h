// The file that keeps prepared signals and features between runs, and how it knows that it is still right.
//
// Layout: 8 bytes magic, 8 bytes length of the JSON, the JSON (numbers, names, lengths of the sections; spaces up to a
// multiple of 8), the sections one after the other, 16 bytes XXH3-128 over all before. Little-endian. A file that is
// cut, changed, of another version or of other settings is not used.
//
// Whether the source files are still the same is first asked of their size and times, as git does; a file where one of
// these differs is read and its content's XXH3-128 compared.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/mapped_file.h"

namespace cardiograd::data {

// A source file as it was when the cache was made.
struct FileStamp {
  std::int64_t size = -1;
  std::int64_t modified_ns = 0;  // mtime and ctime: copying tools restore the first, nothing the second
  std::int64_t changed_ns = 0;
  ContentHash hash;
};

// Size and times without the hash; nothing when `path` is not there.
std::optional<FileStamp> stamp_of(const std::filesystem::path& path);

// What a cache holds: all records of a table that are there, labeled or not, in the order of the table.
struct SignalCache {
  std::string key;  // settings and table that it was made from; must be equal to be used
  std::string unit;
  std::string filter;
  std::int64_t samples = 0;  // T
  std::int64_t leads = 0;
  std::vector<std::int64_t> rows;             // of the table, ascending, one per record
  std::vector<std::int16_t> signals;          // (record, T, lead)
  std::vector<float> scales;                  // (record, lead)
  std::vector<float> features;                // (record, feature)
  std::vector<std::int64_t> invalid_samples;  // per record
  std::vector<std::int64_t> flat_leads;       // per record, bit i set: lead i
  std::vector<std::string> files;             // sources, relative to the data folder
  std::vector<FileStamp> stamps;              // one per file
  std::vector<std::int64_t> damaged_rows;     // of the table, ascending: records that are there and cannot be used
  std::vector<std::string> damage;            // what is wrong with each of them
};

// Writes in one atomic step. Throws Error (disk full, no permission, ...).
void save_signal_cache(const std::filesystem::path& path, const SignalCache& cache);

// Nothing when there is no cache with this key or it is damaged; `reason` then says which.
std::optional<SignalCache> load_signal_cache(const std::filesystem::path& path, const std::string& key,
                                             std::string& reason);

// A cache whose signals stay in its file.
struct MappedCache {
  SignalCache cache;           // `signals` is empty
  MappedFile file;             // what was checked
  std::size_t signals_at = 0;  // where they begin in it, in bytes
};

// load_signal_cache() without the signals in memory: all of the file is read once for its checksum.
std::optional<MappedCache> map_signal_cache(const std::filesystem::path& path, const std::string& key,
                                            std::string& reason);

enum class Sources { kSame, kTouched, kChanged };

// Compares the files below `folder` with their stamps. kTouched: times differ but contents do not, and the stamps were
// brought up to date. `changed` names the first file that differs.
Sources check_sources(const std::filesystem::path& folder, SignalCache& cache, std::string& changed);

// $XDG_CACHE_HOME/cardiograd, or ~/.cache/cardiograd; empty when neither variable is set.
std::filesystem::path default_cache_folder();

}  // namespace cardiograd::data
