// EDF and EDF+ files (European Data Format): 16-bit signals of a patient's recording.
// Source: Kemp et al., Electroenceph. Clin. Neurophysiol. 82:391 (1992); Kemp and Olivan, Clin. Neurophysiol. 114:1755
// (2003). The reader is our own because EDFlib answers "format errors" for whatever is wrong with a file.
#pragma once

#include <filesystem>
#include <string_view>

#include "ecg/recording.h"

namespace cardiograd::data {

// The signals of the file in physical units, NaN nowhere. Signals are those that share the sampling rate of the first
// standard ECG lead (of the first signal if there is none); annotation channels are left out. Age and sex of an EDF+
// patient field come as comments "Age: 56", "Sex: Female".
//
// Throws Error naming the file and the field: no EDF, a field that is no number or cannot be, a truncated or over-long
// file, no signal but annotations, standard leads at different rates, an interrupted recording (EDF+D with gaps).
ecg::Recording read_edf(const std::filesystem::path& path);
// The same from the content of a file; `path` is only for messages.
ecg::Recording parse_edf(std::string_view content, const std::filesystem::path& path);

}  // namespace cardiograd::data
