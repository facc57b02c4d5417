// Signals that stay in files (the shards of a cache, data/signal_cache.h), for sets larger than memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/mapped_file.h"

namespace cardiograd::data {

// The int16 samples of many records, each record's in one piece: (T, lead), as Dataset::signals has them. In memory are
// those in use, and one pointer for each record. Reading is allowed from several threads at once.
class MappedSignals {
 public:
  // `values` of each record: T times leads.
  explicit MappedSignals(std::int64_t values) : values_(static_cast<std::size_t>(values)) {}
  MappedSignals(const MappedSignals&) = delete;
  MappedSignals& operator=(const MappedSignals&) = delete;

  // Appends records: those that lie at places `kept` behind byte `first` of the file, the first of them at place 0.
  void add(MappedFile file, std::size_t first, const std::vector<std::size_t>& kept);

  std::int64_t records() const { return static_cast<std::int64_t>(places_.size()); }
  std::int64_t values() const { return static_cast<std::int64_t>(values_); }

  // The samples of a record, 0 ... records() - 1.
  const std::int16_t* of(std::int64_t record) const;
  // Has the system read the record meanwhile, if it must.
  void will_need(std::int64_t record) const;
  // The record is not needed for now: without this what was read stays in the process's memory.
  void let_go(std::int64_t record) const;

 private:
  struct Place {
    std::uint32_t file;
    std::uint32_t at;  // records before it in the file
  };
  std::size_t offset(const Place& place) const;

  std::size_t values_;
  std::vector<MappedFile> files_;
  std::vector<std::size_t> firsts_;  // per file, in bytes
  std::vector<Place> places_;
};

// The samples (T, lead) of one record, whether they are in memory or in a file; those of a file may leave memory at the
// end of this.
class RecordSignal {
 public:
  explicit RecordSignal(const std::int16_t* values) : values_(values) {}
  RecordSignal(const MappedSignals& signals, std::int64_t record)
      : values_(signals.of(record)), signals_(&signals), record_(record) {}
  ~RecordSignal() {
    if (signals_ != nullptr) signals_->let_go(record_);
  }
  RecordSignal(const RecordSignal&) = delete;
  RecordSignal& operator=(const RecordSignal&) = delete;

  const std::int16_t* data() const { return values_; }

 private:
  const std::int16_t* values_;
  const MappedSignals* signals_ = nullptr;
  std::int64_t record_ = 0;
};

}  // namespace cardiograd::data
