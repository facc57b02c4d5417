// DICOM files with an ECG: General ECG, 12-Lead ECG and ambulatory ECG waveform objects.
// Source: DICOM PS3.3 C.10.9 (waveform module), PS3.5 (encoding), PS3.10 (file format). The reader is our own because
// DCMTK would bring 14 Debian packages (TIFF, TCP wrappers, ...) for one list of elements.
#pragma once

#include <filesystem>
#include <string_view>

#include "ecg/recording.h"

namespace cardiograd::data {

// With or without the preamble (is_dicom_without_preamble).
bool is_dicom(std::string_view content);

// Of the multiplex groups that are no derived ones (as medians of beats are) the one with most ECG in leads and
// seconds, with those that were recorded at the same time, in physical units; padding values become NaN. Recorded
// groups that are not read are named among the others. Age, sex and start as the file says. Throws Error naming the
// file and the element: a damaged structure, no waveform, samples that are not there or are companded, no ECG.
ecg::Recording parse_dicom(std::string_view content, const std::filesystem::path& path);

}  // namespace cardiograd::data
