// Headers of WFDB records, of one segment and of several.
#include "data/wfdb_header.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kWfdbHeader("wfdb_header", [](std::string_view input) { data::parse_wfdb_header(input, "r.hea"); });

}  // namespace cardiograd::fuzz
