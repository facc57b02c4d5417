// JSON from files, which anybody may have written: what is nested deeply or says something twice is refused.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace cardiograd {

// Arrays and objects inside one another. Writing a value out again takes stack for each.
inline constexpr int kMaxJsonDepth = 64;

// Throws Error that says what is wrong, and where it can: no JSON, nested more than kMaxJsonDepth deep, or a key twice
// in an object.
nlohmann::json parse_json(std::string_view text);

// At most 80 characters of the value as JSON text, for messages.
std::string short_json(const nlohmann::json& value);

}  // namespace cardiograd
