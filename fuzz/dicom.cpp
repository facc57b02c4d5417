// DICOM waveforms.
#include "data/dicom.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kDicom("dicom", [](std::string_view input) { data::parse_dicom(input, "r.dcm"); });

}  // namespace cardiograd::fuzz
