// The times of bench/kernel, for `profile --measured`.
#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/profile/profile_table.h"
#include "base/error.h"
#include "base/json.h"

namespace cardiograd::apps {

std::map<std::string, double> parse_measured(const std::string& json, const std::string& where) {
  std::map<std::string, double> found;
  try {
    const nlohmann::json file = parse_json(json);
    for (const auto& row : file.at("benchmarks")) {
      // Opponents have no variant; what failed its check has no time.
      if (row.at("variant") != "shipped" || row.at("temperature") != "cold" || row.at("seconds").is_null()) continue;
      const double seconds = row.at("seconds");
      const std::string name = row.at("op").get<std::string>() + "/" + row.at("shape").get<std::string>();
      if (!(seconds > 0)) throw Error(fmt::format("{}: {} took {} s", where, name, seconds), "Measure it again.");
      const auto [at, fresh] = found.emplace(name, seconds);
      if (!fresh) at->second = std::min(at->second, seconds);
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(fmt::format("{}: no times of benchmarks: {}", where, error.what()),
                "Write it with kernel --device cuda --json FILE.");
  }
  return found;
}

}  // namespace cardiograd::apps
