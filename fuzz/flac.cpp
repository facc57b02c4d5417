// FLAC streams, as WFDB's formats 508, 516 and 524 have them.
#include "data/wfdb_flac.h"
#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kFlac("flac", [](std::string_view input) {
  constexpr int kBits = 24;
  constexpr std::int64_t kValues = 1 << 20;
  data::decode_flac(input, kBits, kValues, "r.dat");
});

}  // namespace cardiograd::fuzz
