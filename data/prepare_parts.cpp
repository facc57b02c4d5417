#include "data/prepare_parts.h"

#include <fmt/format.h>

#include "base/file.h"
#include "base/hash.h"
#include "data/wfdb_header.h"

namespace cardiograd::data {

namespace fs = std::filesystem;

void RecordFailures::add(std::int64_t index, const Error& error) {
  const std::lock_guard lock(mutex_);
  failures_.emplace(index, Failure{error.what(), error.hint()});
}

const std::string* RecordFailures::of(std::int64_t index) const {
  const auto failure = failures_.find(index);
  return failure == failures_.end() ? nullptr : &failure->second.what;
}

void RecordFailures::rethrow() const {
  if (failures_.empty()) return;
  const Failure& first = failures_.begin()->second;
  throw Error(count() == 1 ? first.what : fmt::format("{} (and {} more records failed)", first.what, count() - 1),
              first.hint);
}

SourceFiles::SourceFiles(std::size_t records) : places_(records) {
  constexpr std::size_t kFiles = 2, kNameBytes = 64;  // per record, as a rule
  names_.reserve(records * kFiles * kNameBytes);
  stamps_.reserve(records * kFiles);
}

void SourceFiles::add(std::size_t index, const PreparedRecord& record) {
  const std::lock_guard lock(mutex_);
  places_[index] = {names_.size(), stamps_.size(), record.files.size()};
  for (const std::string& name : record.files) names_.append(name.c_str(), name.size() + 1);
  stamps_.insert(stamps_.end(), record.stamps.begin(), record.stamps.end());
}

void SourceFiles::move_to(SignalCache& cache) {
  for (const Place& place : places_) {
    const char* name = names_.data() + place.name;
    for (std::size_t i = 0; i < place.count; ++i) {
      cache.files.emplace_back(name);
      cache.stamps.push_back(stamps_[place.stamp + i]);
      name += cache.files.back().size() + 1;
    }
  }
}

void add_damaged_files(const fs::path& folder, const std::string& stem, SignalCache& cache) {
  const auto add = [&](const fs::path& path) {
    FileStamp stamp = stamp_of(path).value_or(FileStamp{});
    try {
      stamp.hash = content_hash(read_file(path));
    } catch (const Error&) {  // Not readable: known by its size and times alone.
    }
    cache.files.push_back(path.lexically_relative(folder).string());
    cache.stamps.push_back(stamp);
  };
  const fs::path path = folder / (stem + ".hea");
  add(path);
  try {
    const WfdbHeader header = read_wfdb_header(path);
    const std::string* last = nullptr;  // The lines of one file follow each other.
    for (const WfdbSignalSpec& signal : header.signals) {
      if (last == nullptr || *last != signal.file) add(wfdb_signal_path(header, signal));
      last = &signal.file;
    }
  } catch (const Error&) {  // It is the header that is damaged.
  }
}

}  // namespace cardiograd::data
