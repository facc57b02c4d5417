// Files compressed with gzip.
#include "data/gzip.h"

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kGzip("gzip", [](std::string_view input) {
  constexpr std::uintmax_t kMaxContent = 1 << 16;
  if (data::is_gzip(input)) data::gunzip(input, kMaxContent, "r.gz");
});

}  // namespace cardiograd::fuzz
