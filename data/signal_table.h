// The table of numbers in a text file, as people and devices write them: where it begins, what separates its fields,
// whether its rows are columns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// A column's name without its unit: "II (uV)", "II_uV", "II/uV" -> II, uV.
struct ColumnName {
  std::string name;
  std::string unit;  // empty when the name does not say it
};
ColumnName parse_column_name(std::string_view text);

// What a column says about time.
struct TimeColumn {
  bool is_time = false;
  std::optional<double> seconds;  // per unit; nothing where the name has no unit, or an unknown one
  std::string unknown_unit;
};
TimeColumn time_column(const ColumnName& column);

// A cell as a number; nothing when it is none.
std::optional<double> cell_number(std::string_view cell, bool decimal_commas);

// "12:34:56.789", "3:04.25" or "2024-05-01 12:00:00.002" in seconds (from midnight; with a date, from one day in the
// past); nothing for anything else.
std::optional<double> cell_clock(std::string_view cell, bool decimal_commas);

// UTF-8 without byte order mark, from UTF-8, UTF-16 (with the mark, or with every other byte 0) or Latin-1; line ends
// become "\n".
std::string utf8_text(std::string_view bytes);

struct SignalTable {
  std::vector<ColumnName> columns;
  std::vector<std::vector<std::string>> cells;  // by column, without blanks and quotes around them
  std::size_t rows = 0;
  bool decimal_commas = false;
  bool transposed = false;         // a row of the file for each column
  std::size_t header_line = 1;     // of the file
  std::vector<std::size_t> lines;  // of each row, or of each column where transposed

  // "file:line" of a cell.
  std::string place(const std::filesystem::path& path, std::size_t row, std::size_t column) const;
};

// The table in `text` (as utf8_text makes it). Throws Error naming the file and the line: empty, no header, a row of
// another width, malformed quotes.
SignalTable parse_signal_table(std::string_view text, const std::filesystem::path& path);

}  // namespace cardiograd::data
