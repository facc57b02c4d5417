// ECGs in XML: HL7's annotated ECG (aECG, the format of the FDA), GE's MUSE ("RestingECG") and Philips' Sierra
// ("restingecgdata").
// Sources: HL7 aECG implementation guide, Brown and Badilini (2005); MUSE's own DTD.
#pragma once

#include <filesystem>
#include <string_view>

#include "ecg/recording.h"

namespace cardiograd::data {

// Whether a text, in UTF-8 or UTF-16, is one of them.
bool is_ecg_xml(std::string_view content);

// The leads of the rhythm with most leads and seconds, in the unit of the file; other rhythms are named among the
// others, medians of beats are not read. A MUSE file has eight leads, of which ecg::twelve_leads makes the other four.
// Age and sex come as comments. Throws Error naming the file and the element: no XML, no rhythm, no rate, samples that
// are no numbers, leads of different lengths, no ECG.
ecg::Recording parse_ecg_xml(std::string_view content, const std::filesystem::path& path);

}  // namespace cardiograd::data
