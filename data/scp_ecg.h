// SCP-ECG files (EN 1064, ISO 11073-91064): the rhythm of section 6.
// Source: ISO 11073-91064:2009. The reader is our own, so that it is fuzzed as the others are and brings no package.
#pragma once

#include <filesystem>
#include <string_view>

#include "ecg/recording.h"

namespace cardiograd::data {

// Whether a file that begins so is SCP-ECG: by the word "SCPECG", or by section 0 and its checksum.
bool is_scp_ecg(std::string_view content);

// The leads of the rhythm in mV, plain or coded with the standard's Huffman table or one of the file's, as they are or
// as first or second differences. Age, sex and start from section 1. Throws Error naming the file and the section: a
// section that is not there or cut; a code that is none; leads recorded at different times; and rhythms from which a
// reference beat was taken away or whose rate changes within (bimodal), which are not read. A checksum or a size that
// does not fit is warned about.
ecg::Recording parse_scp_ecg(std::string_view content, const std::filesystem::path& path);

}  // namespace cardiograd::data
