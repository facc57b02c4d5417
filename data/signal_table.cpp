#include "data/signal_table.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "base/error.h"
#include "data/csv.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestPreamble = 200;  // lines
constexpr std::size_t kMaxLeads = 64;          // of a table whose rows are leads
constexpr std::array kSeparators = {',', ';', '\t', '|'};

constexpr const char* kNameTheLeads = "Let the first row name the leads: I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6.";

std::string clean_cell(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto strip = [&] {
    const auto first = text.find_first_not_of(kBlanks);
    text = first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
  };
  strip();
  // 'MLII', as rdsamp quotes.
  if (text.size() >= 2 && text.front() == '\'' && text.back() == '\'') {
    text = text.substr(1, text.size() - 2);
    strip();
  }
  return std::string(text);
}

// The fields of one line, without regard to what RFC 4180 allows within quotes but the separator.
std::vector<std::string> fields_of(std::string_view line, char separator) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      if (separator != ' ' || !fields.back().empty()) fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  for (std::string& field : fields) field = clean_cell(field);
  while (fields.size() > 1 && fields.back().empty()) fields.pop_back();
  return fields;
}

bool is_known_name(const std::string& field) {
  const ColumnName name = parse_column_name(field);
  return ecg::is_ecg_name(name.name) || time_column(name).is_time;
}

bool is_value(const std::string& field) {
  return cell_number(field, true).has_value() || cell_clock(field).has_value() ||
         (!field.empty() && is_missing_cell(field));
}

// Where and how the table is written in the text.
struct Layout {
  char separator = ',';
  std::size_t line = 0;  // of the header, or of the first row where transposed; from 0
  std::size_t known = 0;
  bool transposed = false;
};

// The line with the most names that leads and times have, before a row of as many fields.
Layout find_header(const std::vector<std::string_view>& lines, char separator) {
  Layout best{separator};
  std::vector<std::string> fields = fields_of(lines[0], separator), next;
  for (std::size_t i = 0; i < lines.size(); ++i, fields = std::move(next)) {
    next = i + 1 < lines.size() ? fields_of(lines[i + 1], separator) : std::vector<std::string>();
    const bool last = i + 1 == lines.size();
    if (last ? i > 0 : next.size() != fields.size()) continue;
    const auto known = static_cast<std::size_t>(std::count_if(fields.begin(), fields.end(), is_known_name));
    if (known > best.known) best = {separator, i, known};
  }
  return best;
}

// Rows of "name, numbers ...".
Layout find_rows(const std::vector<std::string_view>& lines, char separator) {
  Layout layout{separator, 0, 0, true};
  for (std::size_t i = 0; i < std::min(lines.size(), kMaxLeads); ++i) {
    const auto fields = fields_of(lines[i], separator);
    if (fields.size() < 3 || !is_known_name(fields[0]) || !is_value(fields[2])) continue;
    if (layout.known++ == 0) layout.line = i;
  }
  return layout;
}

Layout find_layout(const std::vector<std::string_view>& lines) {
  Layout header, rows;
  for (const char separator : kSeparators) {
    const Layout a = find_header(lines, separator), b = find_rows(lines, separator);
    if (a.known > header.known) header = a;
    if (b.known > rows.known) rows = b;
  }
  if (rows.known > 0 && header.known <= 1) {
    // A line before them with as many fields numbers the samples or gives their times.
    const std::size_t before = rows.line > 0 ? fields_of(lines[rows.line - 1], rows.separator).size() : 0;
    if (before > 2 && before == fields_of(lines[rows.line], rows.separator).size()) --rows.line;
    return rows;
  }
  if (header.known > 0) return header;
  const Layout blanks = find_header(lines, ' ');
  return blanks.known > 0 ? blanks : Layout{csv_separator(lines[0])};
}

// Runs of blanks as one separator.
std::string with_single_blanks(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const bool begins = result.empty() || result.back() == '\n';
    if (c == ' ' && (begins || result.back() == ' ')) continue;
    if (c == '\n' && !result.empty() && result.back() == ' ') result.pop_back();
    result += c;
  }
  return result;
}

bool is_blank_row(const std::vector<std::string>& row) {
  return std::all_of(row.begin(), row.end(), [](const std::string& cell) { return clean_cell(cell).empty(); });
}

// The rows of the table, all as wide as the first one; without empty rows at its end.
CsvRows rows_of(std::string_view text, const Layout& layout, const fs::path& path) {
  std::string single;
  if (layout.separator == ' ') text = single = with_single_blanks(text);
  CsvRows rows = parse_csv_rows(text, path, layout.separator, layout.line + 1);
  while (rows.rows.size() > 1 && is_blank_row(rows.rows.back())) {
    rows.rows.pop_back();
    rows.lines.pop_back();
  }
  if (rows.rows.empty())
    throw Error(fmt::format("{}: empty", path.string()), "Expected a row of column names, then a row per sample.");
  const std::size_t width = rows.rows.front().size();
  for (std::size_t i = 0; i < rows.rows.size(); ++i) {
    auto& row = rows.rows[i];
    while (row.size() > width && clean_cell(row.back()).empty()) row.pop_back();
    if (row.size() != width)
      throw Error(fmt::format("{}:{}: malformed CSV row: {} fields, expected {}", path.string(), rows.lines[i],
                              row.size(), width),
                  "Every row needs one field for each column; fields with the separator in them must be quoted.");
    for (std::string& cell : row) cell = clean_cell(cell);
  }
  return rows;
}

// "mV" of a cell "mV", "(mV)" or "[mV]".
std::string unit_in(const std::string& cell) {
  const bool brackets = cell.starts_with('[') || cell.starts_with('(');
  return parse_column_name(fmt::format(fmt::runtime(brackets ? "x {}" : "x ({})"), cell)).unit;
}

// Takes a row of units off the top of the columns.
void take_units(SignalTable& table) {
  if (table.rows == 0) return;
  std::size_t units = 0;
  for (const auto& column : table.cells) {
    const std::string& cell = column.front();
    if (is_missing_cell(cell)) continue;
    const std::string inner = unit_in(cell);
    const bool unit = ecg::millivolts_per_unit(inner).has_value() || time_column({"time", inner}).seconds.has_value();
    if (!unit && is_value(cell)) return;
    units += unit ? 1 : 0;
  }
  if (units == 0) return;
  for (std::size_t i = 0; i < table.cells.size(); ++i) {
    std::string& unit = table.columns[i].unit;
    const std::string& cell = table.cells[i].front();
    if (unit.empty() && !is_missing_cell(cell)) unit = unit_in(cell);
    table.cells[i].erase(table.cells[i].begin());
  }
  --table.rows;
  if (!table.transposed) table.lines.erase(table.lines.begin());
}

[[noreturn]] void fail_without_header(const fs::path& path, std::size_t line, std::string_view found) {
  throw Error(fmt::format("{}:{}: no header: found '{}', expected column names", path.string(), line,
                          clean_cell(found.substr(0, 40))),
              kNameTheLeads);
}

void expect_words(const fs::path& path, std::size_t line_number, std::string_view line) {
  const bool words = std::any_of(line.begin(), line.end(),
                                 [](unsigned char c) { return std::isalpha(c) != 0 && std::tolower(c) != 'e'; });
  const auto fields = fields_of(line, csv_separator(line));
  if (!words || std::all_of(fields.begin(), fields.end(), is_value)) fail_without_header(path, line_number, line);
}

}  // namespace

std::string SignalTable::place(const fs::path& path, std::size_t row, std::size_t column) const {
  return fmt::format("{}:{}", path.string(), lines.at(transposed ? column : row));
}

SignalTable parse_signal_table(std::string_view text, const fs::path& path) {
  std::vector<std::string_view> lines;
  std::vector<std::size_t> begins;
  for (std::size_t at = 0; at < text.size() && lines.size() < kLongestPreamble;) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    begins.push_back(at);
    at = end + 1;
  }
  while (!lines.empty() && clean_cell(lines.back()).empty()) lines.pop_back();
  if (lines.empty())
    throw Error(fmt::format("{}: empty", path.string()), "Expected a row of column names, then a row per sample.");
  if (auto column = find_single_column(text)) return *std::move(column);
  const Layout layout = find_layout(lines);
  if (layout.known == 0) expect_words(path, layout.line + 1, lines[layout.line]);

  CsvRows rows = rows_of(text.substr(begins[layout.line]), layout, path);
  SignalTable table;
  table.transposed = layout.transposed;
  table.header_line = layout.line + 1;
  if (layout.transposed) {
    for (auto& row : rows.rows) {
      table.columns.push_back(parse_column_name(row.front()));
      row.erase(row.begin());
      table.cells.push_back(std::move(row));
    }
    table.rows = table.cells.front().size();
    table.lines = std::move(rows.lines);
  } else {
    for (const std::string& name : rows.rows.front()) table.columns.push_back(parse_column_name(name));
    table.rows = rows.rows.size() - 1;
    table.cells.resize(table.columns.size());
    for (std::size_t i = 0; i < table.columns.size(); ++i)
      for (std::size_t row = 1; row < rows.rows.size(); ++row) table.cells[i].push_back(std::move(rows.rows[row][i]));
    table.lines.assign(rows.lines.begin() + 1, rows.lines.end());
  }
  take_units(table);
  table.decimal_commas = find_decimal_commas(table.cells, layout.separator != ',');
  return table;
}

}  // namespace cardiograd::data
