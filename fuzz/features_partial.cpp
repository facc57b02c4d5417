// The unfinished table of features --data. The input gets the first line with the checksum that belongs to it, without
// which nothing of it would be looked at.
#include "data/features_partial.h"

#include <string>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kFeaturesPartial("features_partial", [](std::string_view input) {
  const nlohmann::json source = {{"folder", "data"}, {"rate_hz", 100}};
  const std::string text =
      std::string(data::kPartialMagic) + to_string(content_hash(input)) + "\n" + std::string(input);
  data::parse_partial(text, "f.csv.partial", source);
});

}  // namespace cardiograd::fuzz
