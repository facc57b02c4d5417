// EDF, EDF+ and BDF.
#include "data/edf.h"

#include "fuzz/target.h"

void cardiograd::fuzz::parse(std::string_view input) {
  data::parse_edf(input, "r.edf");
}
