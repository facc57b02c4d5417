// Tables in CSV files (RFC 4180): a header row, then rows of as many fields, quoted where they must be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// A row while it is being read. Its fields are there until the next one is read.
class CsvRow {
 public:
  std::size_t size() const { return ends_.size(); }
  // Without the quotes around it.
  std::string_view operator[](std::size_t field) const {
    const std::size_t begin = field == 0 ? 0 : ends_[field - 1];
    return std::string_view(text_).substr(begin, ends_[field] - begin);
  }
  std::size_t line() const { return line_; }  // where it begins

 private:
  friend class CsvRowReader;
  std::string text_;  // all fields, one behind the other
  std::vector<std::size_t> ends_;
  std::size_t line_ = 1;
};

// Calls `use` with each row of a text, whatever its width, and holds no more than one of them in memory. Fields are
// separated by `separator`; of blanks as separators runs count as one and those around a line as none. Blank lines are
// skipped. The text begins in `first_line` of its file. Throws Error naming `path` and the line: a stray or missing
// quote; and what `use` throws.
void each_csv_row(std::string_view text, const std::filesystem::path& path, char separator, std::size_t first_line,
                  const std::function<void(const CsvRow&)>& use);

// What separates the fields of a line: a comma, unless there is none outside of quotes but semicolons (as spreadsheets
// write them where the decimal point is a comma), tabs or bars.
char csv_separator(std::string_view line);

// The text of a file that holds a table, unpacked if it is compressed with gzip. Throws Error naming `path`:
// unreadable, more than `max_bytes`, or a file of another kind (kind_of), which is named with a way to come to a table.
std::string read_table_text(const std::filesystem::path& path, std::uintmax_t max_bytes = std::uintmax_t{1} << 30);

class CsvTable {
 public:
  // Reads a file (read_table_text). The separator is that of the first line (csv_separator); if it is no comma, numbers
  // may have decimal commas. A line "sep=;" says it before. The text is UTF-8 or UTF-16, with or without byte order
  // mark and CRLF line ends. Rows without a value, and columns with neither name nor value, are left out. Memory is in
  // proportion to the file: its fields once and four bytes for each, besides its bytes while it is read. Throws Error
  // naming the file and the line: unreadable, more than `max_bytes`, empty, a stray or missing quote, a row of another
  // width, a column name twice, over 4 GiB.
  static CsvTable read(const std::filesystem::path& path, std::uintmax_t max_bytes = std::uintmax_t{1} << 30);
  // The same from text; `path` is only for messages.
  static CsvTable parse(std::string_view text, const std::filesystem::path& path);

  std::size_t rows() const { return lines_.size(); }
  const std::vector<std::string>& columns() const { return columns_; }
  // Index of the column with this name; nothing when there is none.
  std::optional<std::size_t> find_column(std::string_view name) const;
  // Throws Error naming the columns, or the nearest of many.
  std::size_t column(std::string_view name) const;
  // Refers to the table.
  std::string_view cell(std::size_t row, std::size_t column) const;
  // Where a row begins, from 1, and "file:line".
  std::size_t line(std::size_t row) const { return lines_[row]; }
  std::string place(std::size_t row) const;
  // The cell as a number; nothing when it is empty. Throws Error naming place and column for anything else; its hint
  // says that the field may be empty where that is `optional`.
  std::optional<double> number(std::size_t row, std::size_t column, bool optional = true) const;
  // The same; nothing for anything else too.
  std::optional<double> number_if_any(std::size_t row, std::size_t column) const;

 private:
  std::filesystem::path path_;
  bool decimal_commas_ = false;
  std::vector<std::string> columns_;
  std::string text_;                  // all cells, row by row, one behind the other, beginning with the names
  std::vector<std::uint32_t> ends_;   // of each cell in `text_`
  std::vector<std::uint32_t> lines_;  // of each row's beginning, from 1
};

// A cell as it stands in a CSV file: quoted where it must be.
std::string csv_cell(std::string_view text);

}  // namespace cardiograd::data
