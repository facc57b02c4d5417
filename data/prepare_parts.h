// Parts of prepare.cpp: failures of single records, and the files that records were read from.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/error.h"
#include "data/dataset.h"
#include "data/prepare_recording.h"
#include "data/signal_cache.h"

namespace cardiograd::data {

// Failures of single records, from any thread; what is reported does not depend on which thread was first.
class RecordFailures {
 public:
  void add(std::int64_t index, const Error& error);
  std::size_t count() const { return failures_.size(); }
  // What is wrong with a record; null where nothing is.
  const std::string* of(std::int64_t index) const;
  // Throws the failure with the smallest index, saying how many others there are; returns where there is none.
  void rethrow() const;

 private:
  struct Failure {
    std::string what;
    std::string hint;
  };
  std::mutex mutex_;
  std::map<std::int64_t, Failure> failures_;
};

// Names and stamps of the records' files as they come, from any thread. They lie in two blocks: small pieces of memory
// that stay, between the large ones that each record takes for a moment, would keep those from being used again.
class SourceFiles {
 public:
  explicit SourceFiles(std::size_t records);
  void add(std::size_t index, const PreparedRecord& record);
  // In the order of the records.
  void move_to(SignalCache& cache);

 private:
  struct Place {
    std::size_t name = 0;
    std::size_t stamp = 0;
    std::size_t count = 0;
  };
  std::mutex mutex_;
  std::string names_;  // each ended by a zero
  std::vector<FileStamp> stamps_;
  std::vector<Place> places_;
};

// Adds the files of a record that cannot be used, so that a cache is out of date once they change.
void add_damaged_files(const std::filesystem::path& folder, const std::string& stem, SignalCache& cache);

// Moves element blocks of kept records together at the front.
template <class Value>
void compact(std::vector<Value>& values, std::size_t records, const std::vector<std::size_t>& kept) {
  if (records == 0) return;
  const auto width = static_cast<std::ptrdiff_t>(values.size() / records);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto from = values.begin() + static_cast<std::ptrdiff_t>(kept[i]) * width;
    if (kept[i] != i) std::copy(from, from + width, values.begin() + static_cast<std::ptrdiff_t>(i) * width);
  }
  values.resize(kept.size() * static_cast<std::size_t>(width));
}

}  // namespace cardiograd::data
