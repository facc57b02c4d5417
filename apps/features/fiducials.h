// Onset, peak and end of P, QRS and T of every beat, as a CSV file and as WFDB annotations.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/signal_csv.h"

namespace cardiograd::apps {

struct FiducialOutputs {
  std::optional<std::string> table;      // a CSV file: rows of each lead and of lead "all"
  std::optional<std::string> annotator;  // annotation files of this name, one for each record: the global boundaries
  std::optional<std::string> folder;     // of the annotation files; otherwise beside the records
};

// Whichever outputs are given, of all records. Throws UsageError for an annotator that is no such name or stands for
// other files, Error when an annotation file would replace a file that was not made so, or those of two records would
// be one; then nothing has been written. Throws what reading and writing throw, before the table is written.
void write_fiducials(const std::vector<std::string>& records, const FiducialOutputs& outputs,
                     const data::SignalCsvOptions& csv);

}  // namespace cardiograd::apps
