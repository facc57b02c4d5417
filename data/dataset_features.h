// The hand-crafted features of a whole PTB-XL folder as a CSV file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <vector>

#include "data/dataset.h"

namespace cardiograd::data {

struct DatasetFeaturesOptions {
  std::filesystem::path folder{};     // ptbxl_database.csv and the records
  std::filesystem::path out{};        // reasons of missing values go to <name>_missing.csv
  bool high_rate = false;             // the records at 500 Hz
  bool skip_missing = false;          // leave out records that are not there
  bool skip_damaged = false;          // leave out records that cannot be read
  std::int64_t between_saves = 2000;  // records
  // Asked from time to time: true saves what is done and ends the run.
  std::function<bool()> stop{};
  // Called with the records done in this run and those it has to do, one call at a time.
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

struct DatasetFeaturesResult {
  std::int64_t written = 0;                 // rows of the table
  std::int64_t done = 0;                    // records read in this run
  std::int64_t skipped = 0;                 // records of the table that are not there
  std::vector<DamagedRecord> damaged = {};  // left out because they cannot be read
  bool stopped = false;                     // by `stop`: there is no table yet, and the next run goes on from here
};

// Writes one row for each record of the table, ordered by ecg_id. What is done is saved from time to time beside `out`
// as <out>.partial, with checksums; an interrupted run is resumed from there, which is logged. Records whose files have
// changed since are computed anew. Throws Error naming the file and the record: a partial table that is damaged or was
// made of another table, folder or rate, a <name>_missing.csv that is no such table, no folder for `out` or no regular
// file in its place, another process that writes it (base/folder_lock.h), a record that is not there, what the readers
// and compute_features throw.
DatasetFeaturesResult write_dataset_features(const DatasetFeaturesOptions& options);

}  // namespace cardiograd::data
