// WFDB records: signal files of all formats (kWfdbFormats) and multi-segment records in, format 16 out.
// Source: WFDB Applications Guide, header(5) and signal(5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "data/wfdb_header.h"
#include "ecg/recording.h"

namespace cardiograd::data {

// Stands in DigitalRecording for samples that the file marks as invalid.
inline constexpr std::int32_t kInvalidSample = std::numeric_limits<std::int32_t>::min();

// The samples as stored: physical value = (sample - baseline) / gain of the lead's WfdbSignalSpec.
struct DigitalRecording {
  WfdbHeader header;                               // with `samples` filled in
  std::vector<std::vector<std::int32_t>> signals;  // one per lead, samples · samples_per_frame values, skew undone
};

// Reads a record named as in read_wfdb_header. Throws Error naming the file and the lead: what read_wfdb_header throws,
// a signal file that is missing, no regular file or truncated, a checksum that does not fit (unless checksums and
// initial values of all signals are 0, which stands for "not computed"), several segments. What
// follows the announced samples is not read; it is warned about unless checksums vouch for what was read. A first
// sample that is not the header's initial value is only warned about: the checksum vouches for the samples. So is a
// lead without gain.
DigitalRecording read_wfdb_digital(const std::filesystem::path& record, const FileObserver& observer = {});

// Whether the samples that were read are those of which a header has the checksums.
class WfdbChecksums {
 public:
  // `header` must outlive this.
  WfdbChecksums(const WfdbHeader& header, WfdbFaults faults);
  // `checksum`: of the samples of the header's signal `spec`. Throws Error naming the signal file where they differ and
  // faults are refused.
  void compare(const WfdbSignalSpec& spec, std::uint16_t checksum);
  // Names all that differed in one warning.
  void warn() const;

 private:
  const WfdbHeader& header_;
  WfdbFaults faults_;
  std::vector<std::string> differing_;
};

// Takes the signals out of `header` whose files hold none of `leads`, which are positions among its signals and become
// those among what is left.
void keep_wfdb_files(WfdbHeader& header, std::vector<std::size_t>& leads);

// Checks the sizes of a record's signal files and fills in `samples`: as many as the header announces, with a warning
// fewer where a file is shorter; drops placeholders of checksums. All signals are stored somewhere. Throws and warns as
// read_wfdb_digital does, and where no frame is there.
void check_wfdb_sizes(WfdbHeader& header);

// The same with the samples of the signals at the positions `leads`; the other signals stay empty, and what is wrong
// with them does not matter. Files that are shorter than announced (but in FLAC) and checksums that do not fit are
// warned about.
DigitalRecording read_wfdb_signals(WfdbHeader header, const std::vector<std::size_t>& leads);

// A lead with several samples per frame becomes the mean of each frame's samples, NaN if one of them is invalid (the
// Python package wfdb does the same, but truncates the mean to whole ADC steps).
// Units become canonical.
ecg::Recording to_physical(const DigitalRecording& digital);

// Warns where the header does not say its rate.
void warn_of_missing_rate(const WfdbHeader& header);

// read_wfdb_digital and to_physical.
ecg::Recording read_wfdb(const std::filesystem::path& record, const FileObserver& observer = {});

// The two files of a record in format 16, as write_wfdb writes them.
struct WfdbFiles {
  std::string header;   // `name`.hea
  std::string samples;  // `name`.dat
};
WfdbFiles encode_wfdb(const std::string& name, const ecg::Recording& recording, double gain = 1000);

// Writes `folder`/`name`.dat in format 16, then .hea, each in one atomic step; NaN becomes the marker of an invalid
// sample. `gain`: steps per unit, of all leads. `name`: letters, digits, '_' and '-'. Throws Error when a sample does
// not fit into 16 bits (naming lead, sample and the largest gain that fits) and for names that a header cannot hold.
void write_wfdb(const std::filesystem::path& folder, const std::string& name, const ecg::Recording& recording,
                double gain = 1000);

}  // namespace cardiograd::data
