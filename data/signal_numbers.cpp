// Numbers in cells of data/signal_table.h.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "data/signal_table.h"

namespace cardiograd::data {
namespace {

std::optional<double> plain_number(std::string_view digits) {
  if (digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return value;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "1,234" or "12,345,678": 1 to 3 digits that do not begin with 0, then groups of three.
bool is_grouped(std::string_view digits, char separator) {
  std::size_t first = 0;
  while (first < digits.size() && is_digit(digits[first])) ++first;
  if (first < 1 || first > 3 || digits[0] == '0' || first == digits.size()) return false;
  for (digits.remove_prefix(first); !digits.empty(); digits.remove_prefix(4))
    if (digits.size() < 4 || digits[0] != separator || !std::all_of(digits.begin() + 1, digits.begin() + 4, is_digit))
      return false;
  return true;
}

// What a cell says about the decimal mark of its column.
enum class Mark { kNone, kPoint, kComma, kEitherPoint, kEitherComma };

Mark mark_of(std::string_view cell) {
  if (cell.find_first_of(".,") == std::string_view::npos) return Mark::kNone;
  if (cell.find_first_not_of("0123456789+-.,eE") != std::string_view::npos) return Mark::kNone;
  if (cell.starts_with('+') || cell.starts_with('-')) cell.remove_prefix(1);
  const auto commas = std::count(cell.begin(), cell.end(), ','), points = std::count(cell.begin(), cell.end(), '.');
  if (commas > 0 && points > 0) {
    if (commas > 1 && points > 1) return Mark::kNone;
    return cell.rfind(',') > cell.rfind('.') ? Mark::kComma : Mark::kPoint;
  }
  if (commas > 1) return is_grouped(cell, ',') ? Mark::kPoint : Mark::kNone;
  if (points > 1) return is_grouped(cell, '.') ? Mark::kComma : Mark::kNone;
  if (is_grouped(cell, commas > 0 ? ',' : '.')) return commas > 0 ? Mark::kEitherComma : Mark::kEitherPoint;
  return commas > 0 ? Mark::kComma : Mark::kPoint;
}

}  // namespace

std::optional<double> cell_number(std::string_view cell, bool decimal_commas) {
  if (!decimal_commas || cell.find(',') == std::string_view::npos) return plain_number(cell);
  std::string digits(cell);
  // "1.234,5": dots before a decimal comma group thousands.
  if (digits.find('.') < digits.find(',')) std::erase(digits, '.');
  std::replace(digits.begin(), digits.end(), ',', '.');
  return plain_number(digits);
}

bool is_missing_cell(std::string_view cell) {
  constexpr std::size_t kLongest = 8;
  // The last four are NaN as Microsoft's libraries write it.
  constexpr std::array<std::string_view, 11> kMarks = {"na",  "n/a",    "n.a.",    "<na>",    "null",    "none",
                                                       "nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"};
  if (cell.empty()) return true;
  if (cell.size() > kLongest || is_digit(cell.back())) return false;
  // "#NV", "#DIV/0!": spreadsheets' errors; "-", "---", ".", "*", "?".
  if (cell.front() == '#' || cell.find_first_not_of("-.*?") == std::string_view::npos) return true;
  std::string word(cell);
  std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::find(kMarks.begin(), kMarks.end(), word) != kMarks.end();
}

bool has_thousands(std::string_view cell) {
  if (cell.starts_with('+') || cell.starts_with('-')) cell.remove_prefix(1);
  for (const char separator : {',', '.', ' ', '\''}) {
    // What is behind the other mark is the fraction.
    const auto mark = cell.find_first_of(separator == '.' ? "," : separator == ',' ? "." : ".,");
    const std::string_view fraction = mark == std::string_view::npos ? std::string_view() : cell.substr(mark + 1);
    if (is_grouped(cell.substr(0, mark), separator) && std::all_of(fraction.begin(), fraction.end(), is_digit))
      return true;
  }
  return false;
}

bool is_word_cell(std::string_view cell) {
  return !cell_number(cell, true) && !has_thousands(cell);
}

void DecimalMarks::add(std::string_view cell) {
  const Mark mark = mark_of(cell);
  points |= mark == Mark::kPoint;
  commas |= mark == Mark::kComma;
  either_points |= mark == Mark::kEitherPoint;
  either_commas |= mark == Mark::kEitherComma;
}

void DecimalMarks::add(const DecimalMarks& other) {
  points |= other.points;
  commas |= other.commas;
  either_points |= other.either_points;
  either_commas |= other.either_commas;
}

std::vector<bool> find_decimal_commas(std::span<const DecimalMarks> columns, bool usual) {
  DecimalMarks all;
  for (const DecimalMarks& own : columns) all.add(own);
  std::vector<bool> commas;
  for (const DecimalMarks& own : columns) {
    const DecimalMarks& deciding = own.points || own.commas ? own : all;
    if (deciding.points || deciding.commas)
      commas.push_back(!deciding.points);
    else
      commas.push_back(usual && !all.either_points);
  }
  return commas;
}

double cell_value(const SignalTable& table, std::size_t column, std::string_view text, std::size_t line,
                  const std::filesystem::path& path, bool grouped) {
  const bool commas = table.decimal_commas[column];
  // Where others of its column have decimal commas, "1.234" is not told from 1234.
  const bool doubtful = grouped && commas && has_thousands(text) && text.find(',') == std::string_view::npos;
  const auto value = doubtful ? std::nullopt : cell_number(text, commas);
  if (!value && is_missing_cell(text)) return std::numeric_limits<double>::quiet_NaN();
  if (value && !std::isinf(*value)) return *value;
  const bool comma = text.find(',') != std::string_view::npos && cell_number(text, true);
  throw Error(fmt::format("{}:{}: column '{}': found '{}', expected a number", path.string(), line,
                          table.columns[column].name, text),
              has_thousands(text) ? "Write numbers without thousands separators: 1234.5, not 1,234.5 or 1 234.5."
              : comma             ? "Write all numbers with one decimal mark, a point or a comma."
                                  : "Correct the row, or leave the field empty where a sample is missing.");
}

}  // namespace cardiograd::data
