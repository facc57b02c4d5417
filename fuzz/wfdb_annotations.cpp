// Annotation files of WFDB.
#include "data/wfdb_annotation.h"
#include "fuzz/target.h"

void cardiograd::fuzz::parse(std::string_view input) {
  data::parse_wfdb_annotations(input, "r.atr");
}
