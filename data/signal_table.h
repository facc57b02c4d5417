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

// Whether a cell says that there is no sample: it is empty, "-", "NA", "#N/A", "null", "None", "?" or the like.
bool is_missing_cell(std::string_view cell);

// Whether a cell is a number but for what groups its thousands: "1,234.5", "1.234.567", "1 234", "1'234".
bool has_thousands(std::string_view cell);

// Which columns write numbers with decimal commas, by all their cells: "0,5" and "1.234,5" can only be such, "0.5" and
// "1,234.5" cannot; "1,234" may be either. A column that does not say it goes by the others, or else by `usual`.
std::vector<bool> find_decimal_commas(const std::vector<std::vector<std::string>>& columns, bool usual);

// "12:34:56.789", "12:34:56:789", "3:04.25", "01:04:05 PM", "2024-05-01 12:00:00.002 UTC" or
// "20240501T120000.002+0200" in seconds (from midnight; with a date, from one day in the past); nothing for anything
// else. Fractions may have a comma.
std::optional<double> cell_clock(std::string_view cell);

struct SignalTable {
  std::vector<ColumnName> columns;
  std::vector<std::vector<std::string>> cells;  // by column, without blanks and quotes around them
  std::size_t rows = 0;
  std::vector<bool> decimal_commas;  // of each column
  std::optional<double> rate;        // Hz, where lines before the values say it
  bool transposed = false;           // a row of the file for each column
  std::size_t header_line = 1;       // of the file
  std::vector<std::size_t> lines;    // of each row, or of each column where transposed

  // "file:line" of a cell.
  std::string place(const std::filesystem::path& path, std::size_t row, std::size_t column) const;
};

// A text of lines with a name and a value, "Sample Rate,512 hertz", "Lead,Lead I", "Unit,uV", and then of one value per
// line, as watches export it, is a table of one column. Which line says what is told by the name or, in any language,
// by the value. Nothing for any other text.
std::optional<SignalTable> find_single_column(std::string_view text);

// The table in `text` (as plain_text makes it). Throws Error naming the file and the line: empty, no header, a row of
// another width, malformed quotes.
SignalTable parse_signal_table(std::string_view text, const std::filesystem::path& path);

}  // namespace cardiograd::data
