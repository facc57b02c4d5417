// The times of bench/kernel, for `profile --measured`.
#include <algorithm>
#include <cstddef>
#include <map>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/profile/profile_table.h"
#include "base/error.h"
#include "base/json.h"

namespace cardiograd::apps {

namespace {

using nlohmann::json;

constexpr const char* kHint = "Write it with kernel --device cuda --json FILE.";

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw Error(fmt::format("{}: no times of bench/kernel: {}", where, what), kHint);
}

json parse_file(const std::string& text, const std::string& where) {
  try {
    return parse_json(text);
  } catch (const Error& error) {
    fail(where, error.what());
  }
}

// A member of a row, and that it is there.
const json& member(const json& row, const char* key, const std::string& place, const std::string& where) {
  if (!row.is_object() || !row.contains(key))
    fail(where, fmt::format("{} is {}, expected an object with a key '{}'", place, short_json(row), key));
  return row.at(key);
}

std::string text_of(const json& row, const char* key, const std::string& place, const std::string& where) {
  const json& value = member(row, key, place, where);
  if (!value.is_string()) fail(where, fmt::format("'{}' of {} is {}, expected a text", key, place, short_json(value)));
  return value.get<std::string>();
}

}  // namespace

std::map<std::string, double> parse_measured(const std::string& json_text, const std::string& where) {
  std::map<std::string, double> found;
  const json file = parse_file(json_text, where);
  const json& rows = member(file, "benchmarks", "the file", where);
  if (!rows.is_array()) fail(where, fmt::format("'benchmarks' is {}, expected a list", short_json(rows)));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const json& row = rows[i];
    const std::string place = fmt::format("benchmark {}", i + 1);
    // Opponents have no variant; what failed its check has no time.
    const json& variant = member(row, "variant", place, where);
    const json& temperature = member(row, "temperature", place, where);
    const json& taken = member(row, "seconds", place, where);
    if (variant != "shipped" || temperature != "cold" || taken.is_null()) continue;
    const std::string name = text_of(row, "op", place, where) + "/" + text_of(row, "shape", place, where);
    if (!taken.is_number()) fail(where, fmt::format("{} took {}, expected a number", name, short_json(taken)));
    const double seconds = taken;
    if (!(seconds > 0)) throw Error(fmt::format("{}: {} took {} s", where, name, seconds), "Measure it again.");
    const auto [at, fresh] = found.emplace(name, seconds);
    if (!fresh) at->second = std::min(at->second, seconds);
  }
  return found;
}

}  // namespace cardiograd::apps
