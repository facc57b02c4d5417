// From a table of one's own labels (data/label_table.h) and a folder of recordings to a dataset ready for training.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "data/prepare_recording.h"

namespace cardiograd::data {

struct LabeledSettings {
  std::filesystem::path table{};
  std::filesystem::path folder{};      // that the table's paths begin in
  std::vector<std::string> classes{};  // columns of the table; empty: all that can be
  std::vector<std::string> leads{};    // the model's, in its order; empty: the twelve standard ones
  double rate = 100;                   // Hz
  double seconds = 10;                 // of each record, from its beginning
  std::uint64_t fold_seed = 0;         // where the table has no folds
  bool resample = false;               // records of another rate; otherwise they do not fit
  bool skip_missing = false;           // count records that are not there instead of throwing
  bool skip_damaged = false;           // and those that cannot be read or do not fit
  bool skip_duplicates = false;        // and rows of records that have one already (read_label_table)
  bool as_trained = false;             // classes, leads, rate and length are a model's: no hint offers others
  RecordingSettings recording{};       // what is done to each
  // Called with the records read so far, one call at a time, from any thread.
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

// Reads, resamples, filters and computes features in parallel; the result does not depend on the number of threads. A
// person's age and sex are the table's, else those that the recording's file says. Records without any class are kept:
// a row of zeros is an answer. Nothing is cached.
// Throws Error naming file and line: what read_label_table throws, records that are absent, cannot be read, lack a
// lead, are sampled at another rate, too short, or in another unit than the first; how many there are of these; and
// where none is left.
Dataset prepare_labeled(const LabeledSettings& settings);

}  // namespace cardiograd::data
