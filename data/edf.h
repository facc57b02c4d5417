// EDF, EDF+, BDF and BDF+ files (European Data Format, BioSemi's with 24 bits): the signals of a patient's recording.
// Source: Kemp et al., Electroenceph. Clin. Neurophysiol. 82:391 (1992); Kemp and Olivan, Clin. Neurophysiol. 114:1755
// (2003). The reader is our own because EDFlib answers "format errors" for whatever is wrong with a file.
#pragma once

#include <filesystem>
#include <memory>
#include <string_view>

#include "data/recording_stream.h"
#include "ecg/recording.h"

namespace cardiograd::data {

// Whether a file that begins so is an EDF or BDF file.
bool begins_as_edf(std::string_view content);

// The ECG leads of the file (ecg::choose_ecg_channels) in physical units, NaN nowhere. Age and sex of an EDF+ patient
// field come as comments "Age: 56", "Sex: Female". Numbers may have decimal commas. Of a file that is shorter or longer
// than its header says, or whose header does not say how many, the whole data records that are there are read, with a
// warning. A lead whose fields are no numbers or cannot be is left aside (fields of other channels are not looked at).
//
// Throws Error naming the file and the field: no EDF, a field of the file or of all leads that is no number or cannot
// be, no whole data record, no ECG, an interrupted recording (EDF+D with gaps).
ecg::Recording read_edf(const std::filesystem::path& path);
// The same from the content of a file; `path` is only for messages.
ecg::Recording parse_edf(std::string_view content, const std::filesystem::path& path);

// A long file, read in pieces: nothing where `path` is no EDF or BDF file, has fewer than `min_bytes` or is EDF+D.
// Throws what read_edf throws.
std::unique_ptr<RecordingStream> open_edf_stream(const std::filesystem::path& path,
                                                 std::uintmax_t min_bytes = std::uintmax_t{1} << 20);

}  // namespace cardiograd::data
