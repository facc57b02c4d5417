// Recordings in CSV files: a row of column names, then one row per sample.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "ecg/recording.h"

namespace cardiograd::data {

struct SignalCsvOptions {
  std::optional<double> rate;  // Hz; otherwise from the time column
  std::string unit = "mV";     // of columns whose name does not say it
};

// Columns are leads, "II" or with a unit "II (uV)", "II [mV]", and possibly a time column: "time", "t", "time_s",
// "seconds" in seconds, "time_ms", "time (ms)" in milliseconds. An empty cell, or "nan", is a missing sample. The
// sampling rate is the option, else that of the time column; times may be rounded, but not leave a sample out.
//
// Throws Error naming file, line and column: what CsvTable throws, numbers where names are expected (no header), words
// among the numbers, no rate and no time column, a time that does not advance evenly, no samples; over 256 MiB.
ecg::Recording read_signal_csv(const std::filesystem::path& path, const SignalCsvOptions& options = {});
// The same from text; `path` is only for messages.
ecg::Recording parse_signal_csv(std::string_view text, const std::filesystem::path& path,
                                const SignalCsvOptions& options = {});

}  // namespace cardiograd::data
