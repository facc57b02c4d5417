// WFDB header files (.hea): what a record holds and how its signal files store it.
// Source: WFDB Applications Guide, header(5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace cardiograd::data {

// Called with each file that a reader has read, whole.
using FileObserver = std::function<void(const std::filesystem::path& path, std::string_view content)>;

// What readers do about faults that leave samples with a meaning: a checksum that does not fit, a file that is too
// short, fields of signals that nobody wants. Sets for training refuse them, a recording of a user's is read with a
// warning.
enum class WfdbFaults { kRefuse, kWarn };

// The format of a signal that is stored nowhere: all its samples are missing.
inline constexpr int kNullSignal = 0;

// One signal line of a header.
struct WfdbSignalSpec {
  std::string file;                           // relative to the folder of the header, and inside it
  int format = 16;                            // one of kWfdbFormats, or kNullSignal
  int samples_per_frame = 1;                  // more than one in multi-frequency records
  int skew = 0;                               // frames by which the stored signal lags
  std::int64_t byte_offset = 0;               // bytes in the file before the first sample
  double gain = 200;                          // ADC steps per physical unit
  bool gain_known = true;                     // false: absent or 0 in the header, which stands for 200 "uncalibrated"
  int baseline = 0;                           // ADC value of physical zero; absent: the ADC zero
  std::string unit = "mV";                    // as written; see ecg::canonical_unit
  int adc_resolution = 0;                     // bits; 0 when not said
  int adc_zero = 0;                           // middle of the ADC's range
  std::optional<std::int32_t> initial_value;  // the first stored sample
  std::optional<std::uint16_t> checksum;      // sum of all stored samples modulo 2^16
  std::string name;                           // the lead, "I", "MLII"; "signal 0" when the header has none
  std::optional<Error> fault;                 // why its line cannot be read; only with WfdbFaults::kWarn
};

// A part of a multi-segment record.
struct WfdbSegment {
  std::string record;        // a header beside this one or in a folder below; "~" for a gap
  std::int64_t samples = 0;  // frames; 0: the layout of a record whose segments have different signals
};

struct WfdbHeader {
  std::filesystem::path path;  // the .hea file
  std::string record;          // as the record line says, which need not be the file's name
  double rate = 250;           // frames per second, per signal
  bool rate_known = true;      // false: absent in the header, which stands for 250
  std::int64_t samples = 0;    // frames; 0: not said, as long as the signal files are
  std::string start;           // "2020-05-12 12:33:59" or the time alone; empty when not said
  std::vector<WfdbSignalSpec> signals;
  std::vector<std::string> comments;   // without '#' and surrounding blanks
  std::vector<WfdbSegment> segments;   // of a multi-segment record, which has no signals of its own
  std::int64_t announced_signals = 0;  // as the record line says; a multi-segment record's segments have them
  std::int64_t missing_segments = 0;   // announced, but without a line; only with WfdbFaults::kWarn

  std::vector<std::string> leads() const;  // the names of the signals
};

// What a reader takes at most, so that a lying header cannot ask for all memory.
inline constexpr std::int64_t kMaxWfdbSignals = 4096;
inline constexpr std::int64_t kMaxWfdbValues = std::int64_t{1} << 29;  // samples of all signals: 24 h of 12 at 500 Hz

// The name of signal `index` where its line has none: "signal 3".
std::string unnamed_wfdb_signal(std::size_t index);

// Where a signal file is: as the header names it, else by its name alone beside the header (records are moved without
// the folders in which they were made), else the one file there whose name differs only in upper and lower case, else
// without ".gz" at its end.
std::filesystem::path wfdb_signal_path(const WfdbHeader& header, const WfdbSignalSpec& signal);

// The header of a record named by its header, its signal file (.dat, .mat) or without extension, in lower or upper
// case; nothing where it is not there.
std::optional<std::filesystem::path> find_wfdb_header(const std::filesystem::path& record);

// Reads the header of a record, named as for find_wfdb_header.
// Throws Error naming the file, the line and the field: syntax, unknown format, counts that cannot be, a signal file
// outside the header's folder (one that lies beside the header is taken by its name alone), one signal file's lines
// apart or contradictory. Signal lines beyond those that the
// record line announces are not read, as header(5) wants it.
// With WfdbFaults::kWarn a signal line whose fields cannot be read is no Error, but that signal's `fault`, and segments
// may be fewer than announced.
// `observer`, if any, is called with the file's path and content.
WfdbHeader read_wfdb_header(const std::filesystem::path& record, const FileObserver& observer = {},
                            WfdbFaults faults = WfdbFaults::kRefuse);

// The same from the text of a header; `path` is only for messages and the folder.
WfdbHeader parse_wfdb_header(std::string_view text, const std::filesystem::path& path,
                             WfdbFaults faults = WfdbFaults::kRefuse);

}  // namespace cardiograd::data
