// The Python literals in PTB-XL's column scp_codes.
#include "data/scp_codes.h"

#include "fuzz/target.h"

void cardiograd::fuzz::parse(std::string_view input) {
  data::parse_scp_codes(input);
}
