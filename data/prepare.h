// One step from a folder with PTB-XL's layout to a dataset ready for training, and the cache that saves doing it
// again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>

#include "base/enum_words.h"
#include "data/dataset.h"
#include "data/prepare_recording.h"

namespace cardiograd::data {

struct PrepareSettings {
  std::filesystem::path folder;  // with ptbxl_database.csv and scp_statements.csv
  Task task = Task::kSuper;
  int rate = 100;               // Hz: 100 takes the column filename_lr, 500 filename_hr
  RecordingSettings recording;  // what is done to each
  Unlabeled unlabeled = Unlabeled::kDrop;
  bool skip_missing = false;  // records named in the table but absent: count them instead of throwing
  // Records that cannot be read or do not fit to the others: Dataset::damaged names them instead of an error. More than
  // half of all are an error still.
  bool skip_damaged = false;
  bool use_cache = true;
  std::optional<std::filesystem::path> cache_folder;  // default_cache_folder() unless given
  // Bytes. Sets with more signals than that stay in files, which the cache then consists of, and are read from them by
  // and by; without a cache they must be in memory all the same.
  double memory = 4e9;
  // Called with the records read so far, one call at a time, from any thread; not called when the cache serves.
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

// Reads, filters and computes features in parallel; the result does not depend on the number of threads, nor on whether
// the cache served. Signals of unfiltered 16-bit sources with baseline in range keep their ADC values exactly; others
// are scaled to the full range of 16 bits, record by record and lead by lead.
// Throws Error naming file and field: folder or table missing or malformed, no column with file names for the rate,
// absent records (which, how many), whatever read_wfdb throws, a record of another rate, length or unit than asked for
// or than the first, leads missing or doubled, no record left. A cache in one file that cannot be written is only
// warned about; one in several files, which the signals stay in, is an Error then, and also when the disk has no room
// for it.
//
// Processes that prepare the same at once share the work (data/prepare_shards.h), or wait for the one that does it.
Dataset prepare(const PrepareSettings& settings);

}  // namespace cardiograd::data
