// A recording from any file that this project reads: WFDB, EDF or CSV.
#pragma once

#include <filesystem>
#include <optional>

#include "data/signal_csv.h"
#include "data/wfdb.h"
#include "ecg/person.h"
#include "ecg/recording.h"

namespace cardiograd::data {

struct SourceRecording {
  ecg::Recording recording;
  std::optional<DigitalRecording> digital;  // of WFDB records: the samples as stored
  ecg::Person person;                       // as the file's comments say
};

// By the extension, upper or lower case: .edf and .rec are EDF, .csv is CSV, everything else names a WFDB record.
// Throws what the reader throws.
SourceRecording read_source_recording(const std::filesystem::path& path, const SignalCsvOptions& csv = {});

}  // namespace cardiograd::data
