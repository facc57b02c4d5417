#include "data/signal_table.h"

#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "base/error.h"
#include "data/csv.h"
#include "data/signal_preamble.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestPreamble = 200;  // lines
constexpr std::size_t kLongestName = 1000;
constexpr std::size_t kMaxLeads = 64;  // of a table whose rows are leads
constexpr std::array kSeparators = {',', ';', '\t', '|'};

constexpr const char* kNameTheLeads = "Let the first row name the leads: I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6.";

std::string_view clean_cell(std::string_view text) {
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
  return text;
}

// Calls `use` with each field of one line, without regard to what RFC 4180 allows within quotes but the separator. A
// line may be as long as the file: its fields are not held together.
template <class Use>
void each_field(std::string_view line, char separator, Use use) {
  std::string field;
  bool quoted = false;
  std::size_t index = 0;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == separator && !quoted) {
      if (separator == ' ' && field.empty()) continue;
      use(index++, clean_cell(field));
      field.clear();
    } else {
      field += c;
    }
  }
  use(index, clean_cell(field));
}

bool is_known_name(std::string_view field) {
  // Where a lead is a line, it is long, and nearly all of it numbers; to other separators it is one long field.
  if (field.size() > kLongestName ||
      std::none_of(field.begin(), field.end(), [](unsigned char c) { return std::isalpha(c) != 0 || c >= 0x80; }))
    return false;
  const ColumnName name = parse_column_name(field);
  return ecg::is_ecg_name(name.name) || time_column(name).is_time;
}

bool is_value(std::string_view field) {
  return cell_number(field, true).has_value() || cell_clock(field).has_value() ||
         (!field.empty() && is_missing_cell(field));
}

// Without empty fields at its end.
std::size_t width_of(std::string_view line, char separator) {
  std::size_t width = 1;
  each_field(line, separator, [&](std::size_t i, std::string_view field) { width = field.empty() ? width : i + 1; });
  return width;
}

// How many names of leads and times there are.
std::size_t known_names(std::string_view line, char separator) {
  std::size_t known = 0;
  each_field(line, separator,
             [&](std::size_t, std::string_view field) { known += !field.empty() && is_known_name(field) ? 1 : 0; });
  return known;
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
  std::size_t width = width_of(lines[0], separator), next = 0;
  for (std::size_t i = 0; i < lines.size(); ++i, width = next) {
    const bool last = i + 1 == lines.size();
    if (!last) next = width_of(lines[i + 1], separator);
    if (last ? i > 0 : next != width) continue;
    const std::size_t known = known_names(lines[i], separator);
    if (known > best.known) best = {separator, i, known};
  }
  return best;
}

// Rows of "name, numbers ...".
Layout find_rows(const std::vector<std::string_view>& lines, char separator) {
  Layout layout{separator, 0, 0, true};
  for (std::size_t i = 0; i < std::min(lines.size(), kMaxLeads); ++i) {
    bool name = false, value = false;
    each_field(lines[i], separator, [&](std::size_t index, std::string_view field) {
      if (index == 0) name = is_known_name(field);
      if (index == 2) value = is_value(field);
    });
    if (!name || !value) continue;
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
    const std::size_t before = rows.line > 0 ? width_of(lines[rows.line - 1], rows.separator) : 0;
    if (before > 2 && before == width_of(lines[rows.line], rows.separator)) --rows.line;
    return rows;
  }
  if (header.known > 0) return header;
  const Layout blanks = find_header(lines, ' ');
  return blanks.known > 0 ? blanks : Layout{csv_separator(lines[0])};
}

bool is_blank_row(const CsvRow& row) {
  for (std::size_t i = 0; i < row.size(); ++i)
    if (!clean_cell(row[i]).empty()) return false;
  return true;
}

// "mV" of a cell "mV", "(mV)" or "[mV]".
std::string unit_in(std::string_view cell) {
  const bool brackets = cell.starts_with('[') || cell.starts_with('(');
  return parse_column_name(fmt::format(fmt::runtime(brackets ? "x {}" : "x ({})"), cell)).unit;
}

// Reads a text once, to tell how large the table is and what its columns are. Rows are as wide as the first one; empty
// ones at the end are none.
class TableScan {
 public:
  TableScan(const Layout& layout, const fs::path& path) : layout_(layout), path_(path) {}

  void take(const CsvRow& row) {
    std::size_t size = row.size();
    while (size > used_ && clean_cell(row[size - 1]).empty()) --size;
    used_ = std::max(used_, size);
    if (first_) return take_first(row);
    size = row.size();
    while (size > width_ && clean_cell(row[size - 1]).empty()) --size;
    if (size != width_ && !unfit_) unfit_ = {row.line(), size};
    if (is_blank_row(row)) {
      ++blank_;
      return;
    }
    if (unfit_)
      throw Error(fmt::format("{}:{}: malformed CSV row: {} fields, expected {}", path_.string(), unfit_->first,
                              unfit_->second, width_),
                  "Every row needs one field for each column; fields with the separator in them must be quoted.");
    // Blank rows count where another one follows.
    if (layout_.transposed) facts_.resize(facts_.size() + blank_);
    rows_ += blank_ + 1;
    blank_ = 0;
    if (layout_.transposed)
      take_column(row);
    else
      take_samples(row);
  }

  SignalTable finish() {
    if (first_)
      throw Error(fmt::format("{}: empty", path_.string()), "Expected a row of column names, then a row per sample.");
    SignalTable table;
    table.header_line = layout_.line + 1;
    table.rows = layout_.transposed ? used_ - 1 : rows_ - 1;
    for (Facts& facts : facts_) table.columns.push_back(std::move(facts.name));
    const bool units = table.rows > 0 && take_units(table.columns);
    table.rows -= units ? 1 : 0;
    std::vector<DecimalMarks> marks;
    for (Facts& facts : facts_) {
      if (!units) facts.marks.add(facts.first);
      marks.push_back(facts.marks);
      const bool first = !units && !is_missing_cell(facts.first);
      table.words.push_back(first ? is_word_cell(facts.first) : facts.words.value_or(false));
    }
    table.decimal_commas = find_decimal_commas(marks, layout_.separator != ',');
    table.cells.skipped = units ? 2 : 1;
    return table;
  }

 private:
  // What is known of a column. Its first cell may be a unit, which is told when all columns have theirs.
  struct Facts {
    ColumnName name;
    std::string first;
    DecimalMarks marks;         // of the cells behind the first
    std::optional<bool> words;  // of the first of them that is not missing

    void add(std::string_view cell) {
      marks.add(cell);
      if (!words && !is_missing_cell(cell)) words = is_word_cell(cell);
    }
  };

  void take_first(const CsvRow& row) {
    first_ = false;
    width_ = row.size();
    rows_ = 1;
    if (layout_.transposed) return take_column(row);
    facts_.resize(width_);
    for (std::size_t i = 0; i < width_; ++i) facts_[i].name = parse_column_name(clean_cell(row[i]));
  }
  void take_samples(const CsvRow& row) {
    for (std::size_t i = 0; i < width_; ++i) {
      if (rows_ == 2)
        facts_[i].first = clean_cell(row[i]);
      else
        facts_[i].add(clean_cell(row[i]));
    }
  }
  void take_column(const CsvRow& row) {
    Facts& facts = facts_.emplace_back();
    facts.name = parse_column_name(clean_cell(row[0]));
    if (width_ > 1) facts.first = clean_cell(row[1]);
    for (std::size_t i = 2; i < width_; ++i) facts.add(clean_cell(row[i]));
  }

  // Whether the first cells are units; the columns get them.
  bool take_units(std::vector<ColumnName>& columns) const {
    std::size_t units = 0;
    for (const Facts& facts : facts_) {
      if (is_missing_cell(facts.first)) continue;
      const std::string inner = unit_in(facts.first);
      const bool unit = ecg::millivolts_per_unit(inner).has_value() || time_column({"time", inner}).seconds.has_value();
      if (!unit && is_value(facts.first)) return false;
      units += unit ? 1 : 0;
    }
    if (units == 0) return false;
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].unit.empty() && !is_missing_cell(facts_[i].first)) columns[i].unit = unit_in(facts_[i].first);
    return true;
  }

  const Layout& layout_;
  const fs::path& path_;
  bool first_ = true;
  std::size_t width_ = 0;
  std::size_t used_ = 1;                                      // width without fields that are empty in all rows
  std::size_t rows_ = 0;                                      // without blank ones at the end
  std::size_t blank_ = 0;                                     // since the last that was none
  std::optional<std::pair<std::size_t, std::size_t>> unfit_;  // line and width of the first row of another width
  std::vector<Facts> facts_;                                  // of each column
};

[[noreturn]] void fail_without_header(const fs::path& path, std::size_t line, std::string_view found) {
  throw Error(fmt::format("{}:{}: no header: found '{}', expected column names", path.string(), line,
                          clean_cell(found.substr(0, 40))),
              kNameTheLeads);
}

void expect_words(const fs::path& path, std::size_t line_number, std::string_view line) {
  const bool words = std::any_of(line.begin(), line.end(),
                                 [](unsigned char c) { return std::isalpha(c) != 0 && std::tolower(c) != 'e'; });
  const char separator = csv_separator(line);
  bool all = true, any = false, empty = false;
  each_field(line, separator, [&](std::size_t, std::string_view field) {
    any = any || !field.empty();
    all = all && (field.empty() || (!empty && is_value(field)));  // empty ones at the end are none
    empty = empty || field.empty();
  });
  if (!words || (any && all)) fail_without_header(path, line_number, line);
}

}  // namespace

void SignalTable::each_cell(std::span<const std::size_t> wanted, const fs::path& path, const Use& use) const {
  if (cells.single) {
    each_single_cell(cells, [&](std::size_t row, std::string_view cell, std::size_t line) {
      for (std::size_t i = 0; i < wanted.size(); ++i) use(row, i, cell, line);
    });
    return;
  }
  std::size_t number = 0;
  each_csv_row(cells.text, path, cells.separator, cells.first_line, [&](const CsvRow& line) {
    const std::size_t own = number++;
    if (cells.transposed) {
      const auto found = std::find(wanted.begin(), wanted.end(), own);
      if (found == wanted.end()) return;
      for (std::size_t row = 0; row < rows; ++row)
        use(row, static_cast<std::size_t>(found - wanted.begin()), clean_cell(line[row + cells.skipped]), line.line());
    } else if (own >= cells.skipped && own - cells.skipped < rows) {
      for (std::size_t i = 0; i < wanted.size(); ++i)
        use(own - cells.skipped, i, clean_cell(line[wanted[i]]), line.line());
    }
  });
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

  const SignalCells cells = {.text = text.substr(begins[layout.line]),
                             .first_line = layout.line + 1,
                             .separator = layout.separator,
                             .transposed = layout.transposed};
  TableScan scan(layout, path);
  each_csv_row(cells.text, path, cells.separator, cells.first_line, [&](const CsvRow& row) { scan.take(row); });
  SignalTable table = scan.finish();
  Preamble preamble;
  for (std::size_t i = 0; i < layout.line; ++i) read_preamble_line(lines[i], preamble);
  if (preamble.rate_named) table.rate = preamble.rate;
  table.unit = preamble.unit;
  const std::size_t skipped = table.cells.skipped;
  table.cells = cells;
  table.cells.skipped = skipped;
  return table;
}

}  // namespace cardiograd::data
