// Recordings in text tables: a row of column names, then one row per sample; or the same with rows and columns swapped.
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
  bool has_options = true;     // whoever reads can give --unit, so that warnings may name it
};

// Fields are separated by commas, semicolons, tabs, bars or blanks; numbers may have decimal commas where commas do not
// separate. The text is UTF-8, Latin-1 or UTF-16. Lines before the row of names may say rate and unit ("fs = 250",
// "Unit,uV"); a row of units may follow it. Or one value per line, after lines that say lead, rate and unit
// (find_single_column).
//
// Columns are leads, "II" or with a unit "II (uV)", "II.mV" (parse_column_name), and possibly a time column: "time",
// "t", "timestamp", "time_ms", "Time (us)", "seconds", "Elapsed time", in s, ms, us, ns, min, h, days or as clock
// times; without a unit in the name in s, or else in the one of ms, us, ns and days that gives a rate from 20 to 20,000
// Hz. The leads are chosen by ecg::choose_ecg_channels; other columns are left aside unread. An empty cell, "nan",
// "NA", "-" or the like is a missing sample; empty rows at the end are none. A column that goes up by 1 in each row
// counts them and is no lead. Of rows that are leads, fields beside the samples are left aside (find_row_values). The
// sampling rate is the option, else that of the time column (rate_from_times), else that of lines before the names.
// A first column without a name may be the times (is_index_of_times). Where no unit is said and leads have a swing that
// no heart makes in the assumed one, a warning is logged.
//
// Throws Error naming file, line and column: malformed quotes, a row of another width, numbers where names are expected
// (no header), R's names V1, V2, ... of a table without names, words or thousands separators among a lead's numbers, a
// lead twice, no rate and no time column, a time that does not advance evenly or is in an unknown unit, no samples;
// over 256 MiB.
ecg::Recording read_signal_csv(const std::filesystem::path& path, const SignalCsvOptions& options = {});
// The same from text; `path` is only for messages.
ecg::Recording parse_signal_csv(std::string_view text, const std::filesystem::path& path,
                                const SignalCsvOptions& options = {});

}  // namespace cardiograd::data
