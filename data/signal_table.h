// The table of numbers in a text file, as people and devices write them: where it begins, what separates its fields,
// whether its rows are columns.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::data {

// A column's name without its unit: "II (uV)", "II_uV", "II/uV", "II.uV", "II in uV", "uV_II", R's "II..uV." and
// Python's
// "('II', 'uV')" -> II, uV.
struct ColumnName {
  std::string name;
  std::string unit;  // empty when the name does not say it
};
ColumnName parse_column_name(std::string_view cell);

// Whether names are V1, V2, ... in order, at least two of them, as R calls the columns of a table that has none; the
// first may have got a name of its own.
bool are_default_names(std::span<const std::string> names);

// What a column says about time.
struct TimeColumn {
  bool is_time = false;
  std::optional<double> seconds;  // per unit; nothing where the name has no unit, or an unknown one
  std::string unknown_unit;
};
TimeColumn time_column(const ColumnName& column);

// A cell as a number; nothing when it is none.
std::optional<double> cell_number(std::string_view cell, bool decimal_commas);

// Whether a cell says that there is no sample: it is empty, "NA", "n.a.", "null", "None", only of "-", ".", "*" or
// "?", or an error of a spreadsheet ("#N/A", "#DIV/0!").
bool is_missing_cell(std::string_view cell);

// Whether a cell is a number but for what groups its thousands: "1,234.5", "1.234.567", "1 234", "1'234".
bool has_thousands(std::string_view cell);

// Whether a cell that is not missing is a word: neither a number nor one with thousands separators.
bool is_word_cell(std::string_view cell);

// What the cells of a column say about its decimal mark.
struct DecimalMarks {
  bool points = false, commas = false;                // that can only be decimal ones
  bool either_points = false, either_commas = false;  // that may group thousands

  // What one more cell says, or another column.
  void add(std::string_view cell);
  void add(const DecimalMarks& other);
};

// Which columns write numbers with decimal commas, by all their cells: "0,5" and "1.234,5" can only be such, "0.5" and
// "1,234.5" cannot; "1,234" may be either. A column that does not say it goes by the others, or else by `usual`.
std::vector<bool> find_decimal_commas(std::span<const DecimalMarks> columns, bool usual);

// What the parts of a date are where they do not tell it: "03/05/2023", "05.03.23".
enum class DateOrder { kDayFirst, kMonthFirst, kYearFirst };

// "12:34:56.789", "12:34:56:789", "3:04.25", "01:04:05 PM", "2024-05-01 12:00:00.002 UTC", "5-Mar-2023 12:00",
// "20240501T120000.002+0200" or "0 days 00:00:00.002" in seconds (from midnight; with a date, from one day in the
// past); nothing for anything else. Fractions may have a comma.
std::optional<double> cell_clock(std::string_view cell, DateOrder order = DateOrder::kDayFirst);

// Where a table's cells are in a text, and how they are read from it.
struct SignalCells {
  std::string_view text;       // from the row of names on; of a single column, from its first value on
  std::size_t first_line = 1;  // of the file, where `text` begins
  char separator = ',';
  bool transposed = false;  // a row of the text for each column
  bool single = false;      // one value per line
  std::size_t skipped = 0;  // rows before the values, or cells where transposed: the name, and perhaps the unit
};

// A table whose cells stay in its text, which must outlive it: memory is in proportion to the number of columns alone.
struct SignalTable {
  std::vector<ColumnName> columns;
  std::size_t rows = 0;
  std::vector<bool> decimal_commas;    // of each column
  std::vector<bool> words;             // of each column: its first value is no number
  std::vector<bool> texts;             // of each column: it has words and no number
  std::vector<bool> counters;          // of each column: it goes up by 1 in each row, over eight rows or more
  std::optional<double> rate;          // Hz, where lines before the values say it
  std::vector<std::string> set_aside;  // of rows that are leads: fields beside the samples
  std::string unit;                    // of columns that do not say theirs, where these lines do; else empty
  std::size_t header_line = 1;         // of the file
  SignalCells cells;

  // Calls `use` with each value of the columns `wanted`, in the text's order: the number of its row, the place of its
  // column in `wanted`, the cell without blanks and quotes around it (there during the call), its line in the file.
  using Use = std::function<void(std::size_t row, std::size_t index, std::string_view cell, std::size_t line)>;
  void each_cell(std::span<const std::size_t> wanted, const std::filesystem::path& path, const Use& use) const;
};

// The value of a cell in a column; NaN where the sample is missing. `grouped`: a point may group thousands, which times
// that advance evenly do not. Throws Error naming place and column for anything else.
double cell_value(const SignalTable& table, std::size_t column, std::string_view text, std::size_t line,
                  const std::filesystem::path& path, bool grouped = true);

// A text of lines with a name and a value, "Sample Rate,512 hertz", "Lead,Lead I", "Unit,uV", and then of one value per
// line, as watches export it, is a table of one column. Which line says what is told by the name or, in any language,
// by the value. Nothing for any other text.
std::optional<SignalTable> find_single_column(std::string_view text);

// SignalTable::each_cell of such a table.
void each_single_cell(const SignalCells& cells,
                      const std::function<void(std::size_t row, std::string_view cell, std::size_t line)>& use);

// The table in `text` (as plain_text makes it), which must outlive the result. Throws Error naming the file and the
// line: empty, no header, a row of another width, malformed quotes.
SignalTable parse_signal_table(std::string_view text, const std::filesystem::path& path);

}  // namespace cardiograd::data
