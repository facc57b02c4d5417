#include "data/table_cells.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "ecg/person.h"

namespace cardiograd::data {

double sex_in(const CsvTable& csv, std::size_t row, std::size_t column) {
  std::string word;
  for (const unsigned char c : csv.cell(row, column))
    if (std::isspace(c) == 0) word += static_cast<char>(std::tolower(c));
  if (word.empty()) return ecg::Person{}.sex;
  if (word == "m" || word == "male") return ecg::kMale;
  if (word == "f" || word == "female") return ecg::kFemale;
  const auto value = csv.number_if_any(row, column);
  if (value && std::isnan(*value)) return ecg::Person{}.sex;
  if (value && (*value == ecg::kMale || *value == ecg::kFemale)) return *value;
  throw Error(fmt::format("{}: column '{}': found '{}', expected M or 0, F or 1", csv.place(row), csv.columns()[column],
                          csv.cell(row, column)),
              "Correct the row, or leave the field empty.");
}

std::string with_slashes(std::string name) {
  std::replace(name.begin(), name.end(), '\\', '/');
  return name;
}

}  // namespace cardiograd::data
