// The features of a whole PTB-XL folder as a CSV file.
#pragma once

#include <filesystem>

namespace cardiograd::apps {

struct DataSetOptions {
  std::filesystem::path folder;  // ptbxl_database.csv and the records
  std::filesystem::path out;     // reasons of missing values go to <name>_missing.csv
  bool high_rate = false;        // the records at 500 Hz
  bool skip_missing = false;     // leave out records that are not there
};

// Writes one row for each record of the table, showing progress. What is done is saved from time to time beside `out`
// as <out>.partial, and a run that was interrupted goes on from there. Throws Error naming the file and the record.
void write_data_set_features(const DataSetOptions& options);

}  // namespace cardiograd::apps
