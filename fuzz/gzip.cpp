// Files compressed with gzip.
#include "data/gzip.h"

#include "fuzz/target.h"

void cardiograd::fuzz::parse(std::string_view input) {
  constexpr std::uintmax_t kMaxContent = 1 << 20;
  if (data::is_gzip(input)) data::gunzip(input, kMaxContent, "r.gz");
}
