// EDF, EDF+ and BDF.
#include "data/edf.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kEdf("edf", [](std::string_view input) { data::parse_edf(input, "r.edf"); });

}  // namespace cardiograd::fuzz
