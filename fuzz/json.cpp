// JSON of model headers, run states and predictions; what is read is written out and read again.
#include "base/json.h"

#include <nlohmann/json.hpp>

#include "fuzz/target.h"

namespace cardiograd::fuzz {

const Target kJson("json", [](std::string_view input) {
  const nlohmann::json value = parse_json(input);
  if (short_json(value).size() > 80) fail("a short form of more than 80 characters");
  if (parse_json(value.dump()) != value) fail("another value after writing and reading");
});

}  // namespace cardiograd::fuzz
