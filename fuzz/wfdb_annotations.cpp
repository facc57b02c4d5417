// Annotation files of WFDB.
#include "data/wfdb_annotation.h"
#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kWfdbAnnotations("wfdb_annotations",
                              [](std::string_view input) { data::parse_wfdb_annotations(input, "r.atr"); });

}  // namespace cardiograd::fuzz
