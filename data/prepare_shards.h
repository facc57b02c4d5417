// A cache in several files, for sets whose signals shall not lie in memory. Several processes may make it together:
// each makes the shards that no other is at, and a process that was ended leaves those that it had finished.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/prepare_source.h"
#include "data/signal_cache.h"

namespace cardiograd::data {

// How a set is divided: shard k has the records of rows k·rows ... of the table that are there.
struct ShardLayout {
  std::filesystem::path folder;
  std::string key;         // of the whole
  std::int64_t rows = 0;   // of the table, in each shard but the last
  std::int64_t count = 0;  // shards
  double record_bytes = 0;
};

// Nothing when the signals of all rows, as long as the first header says, take no more than settings.memory.
std::optional<ShardLayout> shard_layout(const PrepareSettings& settings, const PrepareSource& source,
                                        const std::filesystem::path& cache, const std::string& key);

struct ShardedCache {
  std::vector<MappedCache> shards;  // in the order of the table
  bool served = true;               // nothing had to be made
};

// Uses the shards that are right and makes the others, each in one atomic step; the log names those that are not right.
// Returns when all are there, whoever makes them. Throws what prepare_rows throws, and Error when the cache cannot be
// written or the disk has no room for it.
ShardedCache prepare_shards(const PrepareSettings& settings, const PrepareSource& source, const ShardLayout& layout);

}  // namespace cardiograd::data
