// "Did you mean ...?" for columns, config keys and lead names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cardiograd {

// The known name that takes the fewest insertions, deletions and substitutions of characters to turn `wanted` into,
// upper and lower case being the same; the first of several. Before these one that begins with `wanted`: "resnet" is
// "resnet1d". A word that other programs use for a known name is that name: "learning_rate" is "lr", if "lr" is known.
// Empty when `known` is.
std::string nearest_name(std::string_view wanted, const std::vector<std::string>& known);

}  // namespace cardiograd
