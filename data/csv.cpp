#include "data/csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <limits>
#include <unordered_set>

#include <csv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/file.h"
#include "base/nearest_name.h"
#include "data/file_kind.h"
#include "data/gzip.h"
#include "data/text_encoding.h"

namespace cardiograd::data {
namespace {

// An exception must not pass through libcsv, which is C: it waits here.
template <class Call>
void guarded(std::exception_ptr& failure, Call call) noexcept {
  if (failure) return;
  try {
    call();
  } catch (...) {
    failure = std::current_exception();
  }
}

// Of a line: runs of blanks as one, and none around it.
void with_single_blanks(std::string_view line, std::string& result) {
  result.clear();
  for (const char c : line) {
    if (c == ' ' && (result.empty() || result.back() == ' ')) continue;
    if (c == '\n' && !result.empty() && result.back() == ' ') result.pop_back();
    result += c;
  }
}

extern "C" {
static void csv_field(void* text, std::size_t size, void* reader) noexcept;
static void csv_row(int, void* reader) noexcept;
static int csv_nothing(unsigned char) noexcept {
  return 0;
}
}

}  // namespace

class CsvRowReader {
 public:
  CsvRowReader(char separator, std::size_t first_line, const std::function<void(const CsvRow&)>& use)
      : line_(first_line), begin_(first_line), use_(use) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI);
    csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    csv_set_space_func(&parser_, csv_nothing);  // RFC 4180: blanks belong to the field.
  }
  ~CsvRowReader() { csv_free(&parser_); }
  CsvRowReader(const CsvRowReader&) = delete;
  CsvRowReader& operator=(const CsvRowReader&) = delete;

  // Line by line, because libcsv does not count lines.
  void feed(std::string_view line, const std::filesystem::path& path) {
    const std::size_t before = rows_;
    const bool good = csv_parse(&parser_, line.data(), line.size(), csv_field, csv_row, this) == line.size();
    if (failure_) std::rethrow_exception(failure_);
    if (!good)
      throw Error(fmt::format("{}:{}: malformed CSV: a quote within a field", path.string(), line_),
                  "A field with quotes must be quoted as a whole, quotes inside doubled.");
    ++line_;
    const bool blank = begin_ + 1 == line_ && (line == "\n" || line == "\r\n");
    if (rows_ > before || blank) begin_ = line_;
  }
  void finish(const std::filesystem::path& path) {
    const bool good = csv_fini(&parser_, csv_field, csv_row, this) == 0;
    if (failure_) std::rethrow_exception(failure_);
    if (!good)
      throw Error(fmt::format("{}:{}: malformed CSV: the quote of a field is never closed", path.string(), begin_),
                  "Close it with \" at the end of the field.");
  }

  void take_field(std::string_view text) noexcept {
    guarded(failure_, [&] {
      row_.text_ += text;
      row_.ends_.push_back(row_.text_.size());
    });
  }
  void take_row() noexcept {
    guarded(failure_, [&] {
      ++rows_;
      row_.line_ = begin_;
      use_(row_);
      row_.text_.clear();
      row_.ends_.clear();
    });
  }

 private:
  csv_parser parser_{};
  CsvRow row_;
  std::size_t rows_ = 0;
  std::size_t line_;   // being parsed
  std::size_t begin_;  // of the current row
  const std::function<void(const CsvRow&)>& use_;
  std::exception_ptr failure_;
};

namespace {

extern "C" {
static void csv_field(void* text, std::size_t size, void* reader) noexcept {
  static_cast<CsvRowReader*>(reader)->take_field({static_cast<const char*>(text), size});
}
static void csv_row(int, void* reader) noexcept {
  static_cast<CsvRowReader*>(reader)->take_row();
}
}

}  // namespace

void each_csv_row(std::string_view text, const std::filesystem::path& path, char separator, std::size_t first_line,
                  const std::function<void(const CsvRow&)>& use) {
  CsvRowReader reader(separator, first_line, use);
  std::string single;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size() - 1) + 1;
    std::string_view line = text.substr(0, size);
    text.remove_prefix(size);
    if (separator == ' ') {
      with_single_blanks(line, single);
      line = single;
    }
    reader.feed(line, path);
  }
  reader.finish(path);
}

char csv_separator(std::string_view line) {
  constexpr std::array kSeparators = {',', ';', '\t', '|'};
  std::array<std::size_t, kSeparators.size()> counts{};
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    for (std::size_t i = 0; i < counts.size(); ++i) counts.at(i) += !quoted && c == kSeparators.at(i) ? 1 : 0;
  }
  if (counts[0] > 0) return ',';
  // Bars may stand within names between other separators.
  if (counts[1] == 0 && counts[2] == 0) return counts[3] > 0 ? '|' : ',';
  return kSeparators.at(counts[1] >= counts[2] ? 1 : 2);
}

namespace {

bool is_blank(std::string_view cell) {
  return cell.find_first_not_of(" \t\r") == std::string_view::npos;
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

// The cells of all rows, whatever their width, in few blocks of memory.
struct Cells {
  std::string text;                     // one cell behind the other
  std::vector<std::uint32_t> ends;      // of the cells in `text`
  std::vector<std::uint32_t> row_ends;  // of the rows in `ends`
  std::vector<std::uint32_t> lines;     // of the rows

  std::size_t begin_of(std::size_t row) const { return row == 0 ? 0 : row_ends[row - 1]; }
  std::size_t width_of(std::size_t row) const { return row_ends[row] - begin_of(row); }
  std::string_view at(std::size_t row, std::size_t column) const {
    const std::size_t cell = begin_of(row) + column;
    const std::size_t begin = cell == 0 ? 0 : ends[cell - 1];
    return std::string_view(text).substr(begin, ends[cell] - begin);
  }
};

// All rows that are not blank.
Cells read_cells(std::string_view text, const std::filesystem::path& path, char separator, std::size_t first_line) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error(fmt::format("{}: {} bytes, expected at most 4 GiB", path.string(), text.size()), "Split the table.");
  Cells cells;
  // Room is asked for once: a block that grows is there twice while it is copied.
  const auto rows = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  cells.text.reserve(text.size());
  cells.ends.reserve(rows + static_cast<std::size_t>(std::count(text.begin(), text.end(), separator)));
  cells.row_ends.reserve(rows);
  cells.lines.reserve(rows);
  each_csv_row(text, path, separator, first_line, [&](const CsvRow& row) {
    bool blank = true;
    for (std::size_t i = 0; i < row.size() && blank; ++i) blank = is_blank(row[i]);
    if (blank) return;
    for (std::size_t i = 0; i < row.size(); ++i) {
      cells.text += row[i];
      cells.ends.push_back(static_cast<std::uint32_t>(cells.text.size()));
    }
    cells.row_ends.push_back(static_cast<std::uint32_t>(cells.ends.size()));
    cells.lines.push_back(static_cast<std::uint32_t>(row.line()));
  });
  return cells;
}

// The width of the table: as many columns as have names, or all of the first row where others have values. Throws where
// a row has another; separators at the ends of lines do not matter.
std::size_t common_width(const Cells& cells, const std::filesystem::path& path) {
  const auto cut = [&](std::size_t row, std::size_t width) {  // without blank cells beyond `width`
    std::size_t size = cells.width_of(row);
    while (size > width && is_blank(cells.at(row, size - 1))) --size;
    return size;
  };
  const std::size_t rows = cells.lines.size(), named = cut(0, 0);
  bool beyond = false;
  for (std::size_t row = 0; row < rows && !beyond; ++row) beyond = cut(row, named) > named;
  const std::size_t width = beyond ? cells.width_of(0) : named;
  for (std::size_t row = 0; row < rows; ++row)
    if (const std::size_t size = cut(row, width); size != width)
      throw Error(
          fmt::format("{}:{}: malformed CSV row: {} fields, expected {}", path.string(), cells.lines[row], size, width),
          "Every row needs one field for each column; fields with commas must be quoted.");
  return width;
}

// Leaves out cells beyond `width`, and columns that have neither name nor value.
void keep_columns(Cells& cells, std::size_t width) {
  std::vector<char> blank(width, 1);
  for (std::size_t row = 0; row < cells.lines.size(); ++row)
    for (std::size_t column = 0; column < width; ++column)
      if (blank[column] != 0 && !is_blank(cells.at(row, column))) blank[column] = 0;
  // What is kept moves to the front, over what is not.
  std::size_t cell = 0, kept = 0, begin = 0, end = 0;
  for (std::size_t row = 0; row < cells.lines.size(); ++row) {
    for (std::size_t column = 0; cell < cells.row_ends[row]; ++cell, ++column) {
      const std::size_t cell_end = cells.ends[cell];
      if (column < width && blank[column] == 0) {
        std::copy(cells.text.begin() + static_cast<std::ptrdiff_t>(begin),
                  cells.text.begin() + static_cast<std::ptrdiff_t>(cell_end),
                  cells.text.begin() + static_cast<std::ptrdiff_t>(end));
        end += cell_end - begin;
        cells.ends[kept++] = static_cast<std::uint32_t>(end);
      }
      begin = cell_end;
    }
  }
  cells.ends.resize(kept);
  cells.text.resize(end);
}

}  // namespace

std::string read_table_text(const std::filesystem::path& path, std::uintmax_t max_bytes) {
  std::string text = read_file(path, max_bytes);
  if (is_gzip(text)) text = gunzip(text, max_bytes, path);
  if (const auto kind = kind_of(text))
    throw Error(fmt::format("{}: {}, expected a table as text (CSV)", path.string(), kind->name), table_hint(*kind));
  if (!is_text(text))
    throw Error(fmt::format("{}: a file of an unknown kind, expected a table as text (CSV)", path.string()),
                "Save the table as CSV, with the names of the columns in the first row.");
  return text;
}

CsvTable CsvTable::read(const std::filesystem::path& path, std::uintmax_t max_bytes) {
  return parse(read_table_text(path, max_bytes), path);
}

CsvTable CsvTable::parse(std::string_view text, const std::filesystem::path& path) {
  std::string converted;
  if (is_utf16(text)) text = utf8_text(text, converted);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::string_view first_line = text.substr(0, text.find('\n'));
  const auto declared = declared_separator(first_line);
  if (declared) text.remove_prefix(std::min(first_line.size() + 1, text.size()));
  const std::string_view begun = text.substr(std::min(text.find_first_not_of(" \r\n"), text.size()));
  const char separator = declared ? *declared : csv_separator(begun.substr(0, begun.find('\n')));
  Cells cells = read_cells(text, path, separator, declared ? 2 : 1);
  if (cells.lines.empty())
    throw Error(fmt::format("{}: empty", path.string()), "Expected a CSV file with a row of column names.");
  keep_columns(cells, common_width(cells, path));
  CsvTable table;
  table.path_ = path;
  table.decimal_commas_ = separator != ',';
  const std::size_t width = cells.ends.size() / cells.lines.size();
  std::unordered_set<std::string_view> names;
  table.columns_.reserve(width);
  for (std::size_t i = 0, begin = 0; i < width; begin = cells.ends[i], ++i) {
    table.columns_.push_back(cells.text.substr(begin, cells.ends[i] - begin));
    const bool again = !names.insert(table.columns_.back()).second;
    if (again && table.columns_.back().empty())
      throw Error(
          fmt::format("{}:{}: columns have no name, column {} among them", path.string(), cells.lines[0], i + 1),
          "The first row names the columns: delete what stands above it, or give each column a name.");
    if (again)
      throw Error(
          fmt::format("{}:{}: two columns are called '{}'", path.string(), cells.lines[0], table.columns_.back()),
          "Rename one of them.");
  }
  table.lines_ = std::move(cells.lines);
  table.lines_.erase(table.lines_.begin());
  table.text_ = std::move(cells.text);
  table.ends_ = std::move(cells.ends);
  return table;
}

std::string_view CsvTable::cell(std::size_t row, std::size_t column) const {
  const std::size_t cell = (row + 1) * columns_.size() + column;
  return std::string_view(text_).substr(ends_[cell - 1], ends_[cell] - ends_[cell - 1]);
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
  std::string_view text = cell(row, column);
  std::string with_point;
  if (decimal_commas_ && text.find('.') == std::string_view::npos) {
    with_point = text;
    std::replace(with_point.begin(), with_point.end(), ',', '.');
    text = with_point;
  }
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> CsvTable::number(std::size_t row, std::size_t column, bool optional) const {
  const auto value = number_if_any(row, column);
  if (!value && !cell(row, column).empty())
    throw Error(
        fmt::format("{}: column '{}': found '{}', expected a number", place(row), columns_[column], cell(row, column)),
        optional ? "Correct the row, or leave the field empty." : "Correct the row.");
  return value;
}

std::string csv_cell(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace cardiograd::data
