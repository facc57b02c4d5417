// Cells that tables of labels and PTB-XL's own have in common.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "data/csv.h"

namespace cardiograd::data {

// Whether nothing is known by the cell: empty, or a mark such as "NA", "nan", "None", "null", "unknown", "-" and "?",
// in any case.
bool is_missing(std::string_view cell);

// ecg::Person::sex of "M", "male" or 0, "F", "female" or 1, in any case; NaN where is_missing(). Throws
// Error naming place and column for anything else.
double sex_in(const CsvTable& csv, std::size_t row, std::size_t column);

// A file name with "/" for "\", as Windows writes paths.
std::string with_slashes(std::string name);

}  // namespace cardiograd::data
