#include "data/prepare_shards.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"
#include "data/prepare_cache.h"
#include "data/prepare_rows.h"
#include "data/wfdb_header.h"
#include "ecg/leads.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr double kMega = 1e6;
// A shard is in memory while it is made.
constexpr double kMaxShardBytes = 64 * kMega;
constexpr double kShardFraction = 1.0 / 8;  // of settings.memory, at most

// Of the first record whose header can be read; 0 when there is none.
double first_record_bytes(const PrepareSettings& settings, const PrepareSource& source) {
  for (const std::string& stem : source.stems) {
    try {
      if (stem.empty()) continue;
      const WfdbHeader header = read_wfdb_header(settings.folder / (stem + ".hea"));
      return static_cast<double>(header.samples) * static_cast<double>(ecg::kStandardLeadCount * sizeof(std::int16_t));
    } catch (const Error&) {  // The reading will say what is wrong with it.
    }
  }
  return 0;
}

bool is_of(const SetShape& shape, const SignalCache& cache) {
  return cache.samples == shape.samples && cache.unit == shape.unit && cache.filter == shape.filter;
}

SetShape shape_of(const SignalCache& cache) {
  return {cache.samples, cache.unit, cache.filter};
}

class ShardMaker {
 public:
  ShardMaker(const PrepareSettings& settings, const PrepareSource& source, const ShardLayout& layout)
      : settings_(settings), source_(source), layout_(layout), shards_(static_cast<std::size_t>(layout.count)) {}

  ShardedCache run() {
    std::atomic<std::int64_t> found = 0;
    parallel_for(layout_.count, [&](std::int64_t k) { found += load(k) ? 1 : 0; });
    ShardedCache result;
    result.served = found == layout_.count && all_alike();
    if (!result.served) make_missing();
    for (auto& shard : shards_) result.shards.push_back(std::move(*shard));
    return result;
  }

 private:
  std::optional<MappedCache>& shard(std::int64_t k) { return shards_[static_cast<std::size_t>(k)]; }
  RowRange range(std::int64_t k) const {
    const auto rows = static_cast<std::int64_t>(source_.stems.size());
    return {k * layout_.rows, std::min((k + 1) * layout_.rows, rows)};
  }
  fs::path path(std::int64_t k) const { return layout_.folder / fmt::format("{:05}.shard", k); }
  std::string key(std::int64_t k) const {
    const nlohmann::json key = {{"of", layout_.key}, {"first_row", range(k).first}, {"rows", layout_.rows}};
    return key.dump();
  }

  bool all_alike() const {
    const SetShape first = shape_of(shards_.front()->cache);
    return std::all_of(shards_.begin(), shards_.end(), [&](const auto& s) { return is_of(first, s->cache); });
  }

  // From its file, if that is right.
  bool load(std::int64_t k) {
    std::error_code ignored;
    const bool there = fs::exists(path(k), ignored);
    std::string reason;
    bool touched = false;
    auto mapped = map_signal_cache(path(k), key(k), reason);
    if (mapped) {
      if (const auto against = reason_against(settings_, source_, range(k), mapped->cache, touched)) {
        reason = *against;
        mapped.reset();
      }
    }
    if (there && !mapped) log_info("cache {} is not used: {}", path(k).string(), reason);
    if (!mapped) return false;
    if (touched) save_stamps(k, *mapped);
    mapped->cache.files = {};  // They have been compared, and would stay in memory.
    mapped->cache.stamps = {};
    shard(k) = std::move(mapped);
    return true;
  }

  void save_stamps(std::int64_t k, const MappedCache& mapped) const {
    SignalCache whole = mapped.cache;
    const auto* first = reinterpret_cast<const std::int16_t*>(mapped.file.data() + mapped.signals_at);
    const std::size_t count = whole.rows.size() * static_cast<std::size_t>(whole.samples * whole.leads);
    whole.signals.assign(first, first + count);
    mapped.file.let_go(0, mapped.file.size());
    save_or_warn(path(k), whole);
  }

  void make_missing() {
    const std::vector<std::int64_t> present = rows_present(settings_, source_);
    const SetShape shape = shape_of_set(settings_, source_, present);
    for (auto& shard : shards_)
      if (shard && !is_of(shape, shard->cache)) shard.reset();
    make_folder();
    Waiting waiting([this] { tell(0); });
    for (std::string holder; std::any_of(shards_.begin(), shards_.end(), [](const auto& s) { return !s; });) {
      std::int64_t waited_for = -1;
      for (std::int64_t k = 0; k < layout_.count; ++k) {
        if (shard(k)) continue;
        if (const auto lock = FolderLock::try_file(path(k), holder)) {
          // Another process may have made it meanwhile.
          if (!load(k) || !is_of(shape, shard(k)->cache)) make(k, shape, present, *lock);
        } else {
          waited_for = k;
        }
      }
      if (waited_for >= 0) waiting.wait(path(waited_for), holder);
    }
  }

  // Room is looked for before the work.
  void make_folder() const {
    double missing = 0;
    for (std::int64_t k = 0; k < layout_.count; ++k)
      if (!shards_[static_cast<std::size_t>(k)]) missing += static_cast<double>(range(k).end - range(k).first);
    expect_room(layout_.folder, missing, layout_.record_bytes);
    std::error_code error;
    fs::create_directories(layout_.folder, error);
    if (error)
      throw Error(fmt::format("{}: cannot be created: {}", layout_.folder.string(), error.message()),
                  "Give a --cache where you may write and where there is room.");
  }

  void make(std::int64_t k, const SetShape& shape, const std::vector<std::int64_t>& present, const FolderLock& lock) {
    const auto first = std::lower_bound(present.begin(), present.end(), range(k).first);
    const auto end = std::lower_bound(first, present.end(), range(k).end);
    {
      ShowLife show_life(&lock);
      SignalCache cache = prepare_rows(settings_, source_, {first, end}, shape, [&](std::int64_t done) {
        show_life();
        tell(done);
      });
      cache.key = key(k);
      save_signal_cache(path(k), cache);
    }
    if (!load(k))
      throw Error(fmt::format("{}: is not what was just written there, or its records have changed meanwhile",
                              path(k).string()),
                  "Look after the disk, or start again when the records stay as they are.");
  }

  // Progress: the shards that are there and `more` records.
  void tell(std::int64_t more) const {
    if (!settings_.progress) return;
    std::int64_t done = more;
    for (std::int64_t k = 0; k < layout_.count; ++k)
      if (shards_[static_cast<std::size_t>(k)]) done += range(k).end - range(k).first;
    settings_.progress(done, static_cast<std::int64_t>(source_.stems.size()));
  }

  const PrepareSettings& settings_;
  const PrepareSource& source_;
  const ShardLayout& layout_;
  std::vector<std::optional<MappedCache>> shards_;
};

}  // namespace

std::optional<ShardLayout> shard_layout(const PrepareSettings& settings, const PrepareSource& source,
                                        const fs::path& cache, const std::string& key) {
  const double bytes = first_record_bytes(settings, source);
  const auto records = static_cast<double>(source.stems.size());
  if (bytes * records <= settings.memory) return std::nullopt;
  if (cache.empty()) {
    log_warning("the signals take {:.0f} MB of memory: without a cache there is nowhere else for them",
                bytes * records / kMega);
    return std::nullopt;
  }
  ShardLayout layout;
  layout.folder = fs::path(cache).replace_extension(".shards");
  layout.key = key;
  const double shard_bytes = std::min(kMaxShardBytes, settings.memory * kShardFraction);
  layout.rows = std::max<std::int64_t>(1, static_cast<std::int64_t>(shard_bytes / bytes));
  layout.count = (static_cast<std::int64_t>(source.stems.size()) + layout.rows - 1) / layout.rows;
  layout.record_bytes = bytes;
  return layout;
}

ShardedCache prepare_shards(const PrepareSettings& settings, const PrepareSource& source, const ShardLayout& layout) {
  return ShardMaker(settings, source, layout).run();
}

}  // namespace cardiograd::data
