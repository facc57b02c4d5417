// The Python literals in PTB-XL's column scp_codes.
#include "data/scp_codes.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kScpCodes("scp_codes", [](std::string_view input) { data::parse_scp_codes(input); });

}  // namespace cardiograd::fuzz
