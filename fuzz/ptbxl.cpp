// PTB-XL's two tables; an input is read as each.
#include "data/ptbxl.h"

#include "base/error.h"
#include "data/scp_codes.h"
#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kPtbxl("ptbxl", [](std::string_view input) {
  try {
    data::ScpTable::parse(input, "scp_statements.csv");
  } catch (const Error&) {  // Then it may be the other one.
  }
  data::parse_ptbxl_database(input, "ptbxl_database.csv");
});

}  // namespace cardiograd::fuzz
