// Tables in CSV files (RFC 4180): a header row, then rows of as many fields, quoted where they must be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// All rows of a text, whatever their width.
struct CsvRows {
  std::vector<std::vector<std::string>> rows;
  std::vector<std::size_t> lines;  // where each row begins, from 1
};

// Fields separated by `separator`; blank lines are skipped. The text begins in `first_line` of its file. Throws Error
// naming `path` and the line: a stray or missing quote.
CsvRows parse_csv_rows(std::string_view text, const std::filesystem::path& path, char separator = ',',
                       std::size_t first_line = 1);

// What separates the fields of a line: a comma, unless there is none outside of quotes but semicolons (as spreadsheets
// write them where the decimal point is a comma) or tabs.
char csv_separator(std::string_view line);

class CsvTable {
 public:
  // Reads a file. The separator is that of the first line (csv_separator); if it is no comma, numbers may have decimal
  // commas. A line "sep=;" says it before. The text is UTF-8 or UTF-16, with or without byte order mark and CRLF line
  // ends. Rows without a value, and columns with neither name nor value, are left out. Throws Error naming the file and
  // the line: unreadable, more than `max_bytes`, empty, a stray or missing quote, a row of another width, a column
  // name twice.
  static CsvTable read(const std::filesystem::path& path, std::uintmax_t max_bytes = std::uintmax_t{1} << 30);
  // The same from text; `path` is only for messages.
  static CsvTable parse(std::string_view text, const std::filesystem::path& path);

  std::size_t rows() const { return lines_.size(); }
  const std::vector<std::string>& columns() const { return columns_; }
  // Index of the column with this name; nothing when there is none.
  std::optional<std::size_t> find_column(std::string_view name) const;
  // Throws Error naming the columns, or the nearest of many.
  std::size_t column(std::string_view name) const;
  const std::string& cell(std::size_t row, std::size_t column) const { return cells_[row * columns_.size() + column]; }
  // Where a row begins, from 1, and "file:line".
  std::size_t line(std::size_t row) const { return lines_[row]; }
  std::string place(std::size_t row) const;
  // The cell as a number; nothing when it is empty. Throws Error naming place and column for anything else.
  std::optional<double> number(std::size_t row, std::size_t column) const;
  // The same; nothing for anything else too.
  std::optional<double> number_if_any(std::size_t row, std::size_t column) const;

 private:
  std::filesystem::path path_;
  bool decimal_commas_ = false;
  std::vector<std::string> columns_;
  std::vector<std::string> cells_;  // row by row
  std::vector<std::size_t> lines_;  // of each row's beginning, from 1
};

// A cell as it stands in a CSV file: quoted where it must be.
std::string csv_cell(const std::string& text);

}  // namespace cardiograd::data
