#include "base/json.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace cardiograd {

using nlohmann::json;

json parse_json(std::string_view text) {
  constexpr const char* kHint = "The file is damaged or of another kind; take a fresh copy.";
  std::vector<std::set<std::string>> keys;  // of the objects around the place being read
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    const bool opens = event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    if (opens && depth >= kMaxJsonDepth)
      throw Error(fmt::format("JSON nested more than {} deep", kMaxJsonDepth), kHint);
    if (event == json::parse_event_t::object_start) keys.emplace_back();
    if (event == json::parse_event_t::object_end) keys.pop_back();
    if (event == json::parse_event_t::key && !keys.back().insert(parsed.get<std::string>()).second)
      throw Error(fmt::format("JSON with the key {} twice", short_json(parsed)), kHint);
    return true;
  };
  try {
    return json::parse(text, watch);
  } catch (const json::parse_error& error) {
    throw Error(fmt::format("no JSON: character {} is unexpected", error.byte), kHint);
  } catch (const json::exception& error) {  // a number without bounds
    throw Error(fmt::format("no JSON: {}", error.what()), kHint);
  }
}

std::string short_json(const json& value) {
  constexpr std::size_t kMost = 80;
  std::string text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > kMost) text = text.substr(0, kMost - 3) + "...";
  return text;
}

}  // namespace cardiograd
