#include "model/toml_depth.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::model {
namespace {

constexpr int kMaxParts = 16;

// Parts of the longest key of a line; of values, too, where they look like one.
int longest_key(std::string_view line) {
  int dots = 0, most = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '#') break;
    if (c == '"' || c == '\'') {  // A quoted part may have any characters.
      const std::size_t end = line.find(c, i + 1);
      if (end != std::string_view::npos) i = end;
    } else if (c == '.') {
      most = std::max(most, ++dots);
    } else if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_' && c != '-' && c != ' ' && c != '\t') {
      dots = 0;
    }
  }
  return most + 1;
}

}  // namespace

void refuse_deep_keys(std::string_view text, const std::string& origin) {
  int number = 1;
  for (std::size_t at = 0; at < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (const int parts = longest_key(text.substr(at, end - at)); parts > kMaxParts)
      throw Error(fmt::format("{}:{}: found a key of {} parts, expected at most {}", origin, number, parts, kMaxParts),
                  "Expected TOML, as a run's config.toml shows it.");
    at = end + 1;
  }
}

}  // namespace cardiograd::model
