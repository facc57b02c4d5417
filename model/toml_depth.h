// TOML from users, before it is parsed.
#pragma once

#include <string>
#include <string_view>

namespace cardiograd::model {

// Throws Error naming origin and line for a key of more than 16 parts ("a.b.c" has three). The parser makes a table in
// a table of each part, and calls itself for each when it lets go of them: some thousand are more than the stack holds.
// What is nested in other ways it counts itself.
void refuse_deep_keys(std::string_view text, const std::string& origin);

}  // namespace cardiograd::model
