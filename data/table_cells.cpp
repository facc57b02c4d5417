#include "data/table_cells.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "base/error.h"
#include "data/signal_table.h"
#include "ecg/person.h"

namespace cardiograd::data {

namespace {

// In small letters, without blanks.
std::string plain_word(std::string_view cell) {
  std::string word;
  for (const unsigned char c : cell)
    if (std::isspace(c) == 0) word += static_cast<char>(std::tolower(c));
  return word;
}

}  // namespace

bool is_missing(std::string_view cell) {
  const std::string word = plain_word(cell);
  return word == "unknown" || is_missing_cell(word);
}

double sex_in(const CsvTable& csv, std::size_t row, std::size_t column) {
  const std::string word = plain_word(csv.cell(row, column));
  if (is_missing(word)) return ecg::Person{}.sex;
  if (word == "m" || word == "male") return ecg::kMale;
  if (word == "f" || word == "female") return ecg::kFemale;
  const auto value = csv.number_if_any(row, column);
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
