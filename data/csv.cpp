#include "data/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <unordered_set>

#include <csv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/nearest_name.h"
#include "data/text_encoding.h"

namespace cardiograd::data {
namespace {

// What libcsv's callbacks fill. An exception must not pass through C: it waits here.
struct Rows {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> lines;  // where each row begins
  std::vector<std::string> current;
  std::size_t line = 1;   // being parsed
  std::size_t begin = 1;  // of the current row
  std::exception_ptr failure;
};

template <class Append>
void guarded(void* data, Append append) noexcept {
  auto& rows = *static_cast<Rows*>(data);
  if (rows.failure) return;
  try {
    append(rows);
  } catch (...) {
    rows.failure = std::current_exception();
  }
}

extern "C" {
static void csv_field(void* text, std::size_t size, void* data) noexcept {
  guarded(data, [&](Rows& rows) { rows.current.emplace_back(static_cast<const char*>(text), size); });
}
static void csv_row(int, void* data) noexcept {
  guarded(data, [](Rows& rows) {
    rows.lines.push_back(rows.begin);
    rows.rows.push_back(std::move(rows.current));
    rows.current.clear();
  });
}
static int csv_nothing(unsigned char) noexcept {
  return 0;
}
}

class Parser {
 public:
  explicit Parser(char separator) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_space_func(&parser_, csv_nothing);  // RFC 4180: blanks belong to the field.
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  bool feed(std::string_view text, Rows& rows) {
    return csv_parse(&parser_, text.data(), text.size(), csv_field, csv_row, &rows) == text.size();
  }
  bool finish(Rows& rows) { return csv_fini(&parser_, csv_field, csv_row, &rows) == 0; }

 private:
  csv_parser parser_{};
};

}  // namespace

CsvRows parse_csv_rows(std::string_view text, const std::filesystem::path& path, char separator,
                       std::size_t first_line) {
  Rows rows;
  rows.line = rows.begin = first_line;
  Parser parser(separator);
  // Line by line, because libcsv does not count lines.
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    const std::string_view line = text.substr(0, size);
    const std::size_t before = rows.rows.size();
    if (!parser.feed(line, rows))
      throw Error(fmt::format("{}:{}: malformed CSV: a quote within a field", path.string(), rows.line),
                  "A field with quotes must be quoted as a whole, quotes inside doubled.");
    if (rows.failure) std::rethrow_exception(rows.failure);
    text.remove_prefix(size);
    ++rows.line;
    const bool blank = rows.begin + 1 == rows.line && (line == "\n" || line == "\r\n");
    if (rows.rows.size() > before || blank) rows.begin = rows.line;
  }
  if (!parser.finish(rows))
    throw Error(fmt::format("{}:{}: malformed CSV: the quote of a field is never closed", path.string(), rows.begin),
                "Close it with \" at the end of the field.");
  if (rows.failure) std::rethrow_exception(rows.failure);
  return {std::move(rows.rows), std::move(rows.lines)};
}

char csv_separator(std::string_view line) {
  constexpr std::array kSeparators = {',', ';', '\t'};
  std::array<std::size_t, kSeparators.size()> counts{};
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    for (std::size_t i = 0; i < counts.size(); ++i) counts.at(i) += !quoted && c == kSeparators.at(i) ? 1 : 0;
  }
  if (counts[0] > 0) return ',';
  return counts[1] == 0 && counts[2] == 0 ? ',' : kSeparators.at(counts[1] >= counts[2] ? 1 : 2);
}

namespace {

bool is_blank(const std::string& cell) {
  return cell.find_first_not_of(" \t\r") == std::string::npos;
}

// Of a line "sep=;", as spreadsheets read and write it; in quotes or with separators behind it, too.
std::optional<char> declared_separator(std::string_view line) {
  if (line.starts_with('"')) line.remove_prefix(1);
  if (!line.starts_with("sep=") || line.size() < 5) return std::nullopt;
  const char separator = line[4];
  const bool known = std::string_view(",;\t|").find(separator) != std::string_view::npos;
  const std::string rest = {'"', '\r', ' ', separator};
  if (!known || line.substr(5).find_first_not_of(rest) != std::string_view::npos) return std::nullopt;
  return separator;
}

void drop_blank_rows(CsvRows& rows) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    if (std::all_of(rows.rows[i].begin(), rows.rows[i].end(), is_blank)) continue;
    if (kept < i) {
      rows.rows[kept] = std::move(rows.rows[i]);
      rows.lines[kept] = rows.lines[i];
    }
    ++kept;
  }
  rows.rows.resize(kept);
  rows.lines.resize(kept);
}

// Brings all rows to the width of the names; separators at the ends of lines do not matter.
void to_one_width(CsvRows& rows, const std::filesystem::path& path) {
  const auto cut = [](std::vector<std::string>& row, std::size_t width) {
    while (row.size() > width && is_blank(row.back())) row.pop_back();
  };
  std::size_t named = rows.rows.front().size();
  while (named > 0 && is_blank(rows.rows.front()[named - 1])) --named;
  const bool beyond = std::any_of(rows.rows.begin(), rows.rows.end(), [&](const auto& row) {
    return row.size() > named && !std::all_of(row.begin() + static_cast<std::ptrdiff_t>(named), row.end(), is_blank);
  });
  const std::size_t width = beyond ? rows.rows.front().size() : named;
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    cut(rows.rows[i], width);
    if (rows.rows[i].size() != width)
      throw Error(fmt::format("{}:{}: malformed CSV row: {} fields, expected {}", path.string(), rows.lines[i],
                              rows.rows[i].size(), width),
                  "Every row needs one field for each column; fields with commas must be quoted.");
  }
}

// Drops columns that have neither name nor value; rows are of one width.
void drop_blank_columns(CsvRows& rows) {
  const std::vector<std::string>& names = rows.rows.front();
  std::vector<char> blank(names.size());
  for (std::size_t i = 0; i < names.size(); ++i)
    blank[i] =
        std::all_of(rows.rows.begin(), rows.rows.end(), [&](const auto& row) { return is_blank(row[i]); }) ? 1 : 0;
  if (std::find(blank.begin(), blank.end(), 1) == blank.end()) return;
  for (auto& row : rows.rows) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (blank[i] != 0) continue;
      if (kept < i) row[kept] = std::move(row[i]);
      ++kept;
    }
    row.resize(kept);
  }
}

}  // namespace

CsvTable CsvTable::read(const std::filesystem::path& path, std::uintmax_t max_bytes) {
  return parse(read_file(path, max_bytes), path);
}

CsvTable CsvTable::parse(std::string_view text, const std::filesystem::path& path) {
  std::string converted;
  if (is_utf16(text)) text = converted = utf8_text(text);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::string_view first_line = text.substr(0, text.find('\n'));
  const auto declared = declared_separator(first_line);
  if (declared) text.remove_prefix(std::min(first_line.size() + 1, text.size()));
  const char separator = declared ? *declared : csv_separator(first_line);
  CsvRows rows = parse_csv_rows(text, path, separator, declared ? 2 : 1);
  drop_blank_rows(rows);
  if (rows.rows.empty())
    throw Error(fmt::format("{}: empty", path.string()), "Expected a CSV file with a row of column names.");
  to_one_width(rows, path);
  drop_blank_columns(rows);
  CsvTable table;
  table.path_ = path;
  table.decimal_commas_ = separator != ',';
  table.columns_ = std::move(rows.rows.front());
  std::unordered_set<std::string_view> names;
  for (const std::string& name : table.columns_)
    if (!names.insert(name).second)
      throw Error(fmt::format("{}:{}: two columns are called '{}'", path.string(), rows.lines[0], name),
                  "Rename one of them.");
  table.lines_.assign(rows.lines.begin() + 1, rows.lines.end());
  table.cells_.reserve(table.lines_.size() * table.columns_.size());
  for (std::size_t row = 1; row < rows.rows.size(); ++row) {
    std::move(rows.rows[row].begin(), rows.rows[row].end(), std::back_inserter(table.cells_));
    rows.rows[row] = {};
  }
  return table;
}

std::optional<std::size_t> CsvTable::find_column(std::string_view name) const {
  const auto found = std::find(columns_.begin(), columns_.end(), name);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<std::size_t>(found - columns_.begin());
}

std::size_t CsvTable::column(std::string_view name) const {
  if (const auto found = find_column(name)) return *found;
  constexpr std::size_t kMaxNamed = 8;  // Of more columns the nearest alone is named.
  throw Error(fmt::format("{}: no column '{}'", path_.string(), name),
              columns_.size() <= kMaxNamed
                  ? fmt::format("The columns are {}.", fmt::join(columns_, ", "))
                  : fmt::format("The nearest existing column is '{}'.", nearest_name(name, columns_)));
}

std::string CsvTable::place(std::size_t row) const {
  return fmt::format("{}:{}", path_.string(), lines_[row]);
}

std::optional<double> CsvTable::number_if_any(std::size_t row, std::size_t column) const {
  std::string text = cell(row, column);
  if (decimal_commas_ && text.find('.') == std::string::npos) std::replace(text.begin(), text.end(), ',', '.');
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> CsvTable::number(std::size_t row, std::size_t column) const {
  const auto value = number_if_any(row, column);
  if (!value && !cell(row, column).empty())
    throw Error(
        fmt::format("{}: column '{}': found '{}', expected a number", place(row), columns_[column], cell(row, column)),
        "Correct the row or leave the field empty.");
  return value;
}

std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace cardiograd::data
