#include "data/signal_table.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/log.h"
#include "data/csv.h"
#include "data/signal_layout.h"
#include "data/signal_preamble.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestPreamble = 200;  // lines

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

// Of a voltage, or of time.
bool is_unit(const std::string& unit) {
  return ecg::millivolts_per_unit(unit).has_value() || time_column({"time", unit}).seconds.has_value();
}

// "# end of file": a row of other width with a mark of comments. "#NV" in a row of values is a spreadsheet's error.
bool is_comment_row(const CsvRow& row, std::size_t width) {
  const std::string_view first = clean_cell(row[0]);
  return row.size() != width && (first.starts_with('#') || first.starts_with('%') || first.starts_with("//"));
}

// Whether cells count: whole numbers, each one more than that before.
class Counting {
 public:
  void add(std::string_view cell) {
    if (!goes_on_) return;
    const auto value = cell_number(cell, false);
    goes_on_ = value && *value == std::floor(*value) && (cells_ == 0 || *value == last_ + 1);
    last_ = value.value_or(0);
    ++cells_;
  }
  bool counts() const { return goes_on_ && cells_ >= kFewest; }

 private:
  static constexpr std::size_t kFewest = 8;
  double last_ = 0;
  std::size_t cells_ = 0;
  bool goes_on_ = true;
};

// Reads a text once, to tell how large the table is and what its columns are. Rows are as wide as the first one; empty
// ones at the end are none.
class TableScan {
 public:
  TableScan(const SignalLayout& layout, const fs::path& path) : layout_(layout), path_(path) {}

  void take(const CsvRow& row) {
    std::size_t size = row.size();
    while (size > used_ && clean_cell(row[size - 1]).empty()) --size;
    used_ = std::max(used_, size);
    if (first_) return take_first(row);
    size = row.size();
    while (size > width_ && clean_cell(row[size - 1]).empty()) --size;
    if (!layout_.transposed && is_comment_row(row, width_)) return;
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
    const std::size_t begin = layout_.values_begin, end = std::min(used_, layout_.values_end);
    table.rows = !layout_.transposed ? rows_ - 1 : end > begin ? end - begin : 0;
    for (Facts& facts : facts_) table.columns.push_back(std::move(facts.name));
    const bool units = table.rows > 0 && take_units(table.columns);
    table.rows -= units ? 1 : 0;
    std::vector<DecimalMarks> marks;
    for (Facts& facts : facts_) {
      if (!units) facts.marks.add(facts.first);
      marks.push_back(facts.marks);
      const bool first = !units && !is_missing_cell(facts.first);
      table.words.push_back(first ? is_word_cell(facts.first) : facts.words.value_or(false));
      table.texts.push_back(table.words.back() && !facts.numbers);
      table.counters.push_back((units ? facts.behind : facts.all).counts());
    }
    table.decimal_commas = find_decimal_commas(marks, layout_.separator != ',');
    table.cells.skipped = (layout_.transposed ? begin : 1) + (units ? 1 : 0);
    return table;
  }

 private:
  // What is known of a column. Its first cell may be a unit, which is told when all columns have theirs.
  struct Facts {
    ColumnName name;
    std::string first;
    DecimalMarks marks;         // of the cells behind the first
    std::optional<bool> words;  // of the first of them that is not missing
    bool numbers = false;       // some of them are
    Counting all, behind;       // of all cells, and of those behind the first

    void add_first(std::string_view cell) {
      first = cell;
      all.add(cell);
    }
    void add(std::string_view cell) {
      all.add(cell);
      behind.add(cell);
      marks.add(cell);
      if (numbers || is_missing_cell(cell)) return;
      const bool word = is_word_cell(cell);
      words = words.value_or(word);
      numbers = !word;
    }
  };

  void take_first(const CsvRow& row) {
    first_ = false;
    width_ = layout_.names.empty() ? row.size() + (layout_.row_names ? 1 : 0) : layout_.names.size();
    rows_ = 1;
    if (layout_.transposed) return take_column(row);
    facts_.resize(width_);
    for (std::size_t i = 0, from = layout_.row_names ? 1 : 0; i + from < width_; ++i)
      facts_[i + from].name = parse_column_name(layout_.names.empty() ? clean_cell(row[i]) : layout_.names[i]);
  }
  void take_samples(const CsvRow& row) {
    for (std::size_t i = 0; i < width_; ++i) {
      if (rows_ == 2)
        facts_[i].add_first(clean_cell(row[i]));
      else
        facts_[i].add(clean_cell(row[i]));
    }
  }
  void take_column(const CsvRow& row) {
    const std::size_t begin = layout_.values_begin, end = std::min(width_, layout_.values_end);
    Facts& facts = facts_.emplace_back();
    facts.name = parse_column_name(clean_cell(row[std::min(layout_.name_field, width_ - 1)]));
    for (std::size_t i = layout_.name_field + 1; i < width_; ++i) {
      const std::string_view cell = clean_cell(row[i]);
      if (i == begin)
        facts.add_first(cell);
      else if (i > begin && i < end)
        facts.add(cell);
      else if (facts.name.unit.empty() && is_unit(unit_in(cell)))
        facts.name.unit = unit_in(cell);
    }
  }

  // Whether the first cells are units; the columns get them.
  bool take_units(std::vector<ColumnName>& columns) const {
    std::size_t units = 0;
    for (const Facts& facts : facts_) {
      if (is_missing_cell(facts.first)) continue;
      const std::string inner = unit_in(facts.first);
      const bool unit = is_unit(inner);
      if (!unit && is_value(facts.first)) return false;
      units += unit ? 1 : 0;
    }
    if (units == 0) return false;
    for (std::size_t i = 0; i < columns.size(); ++i)
      if (columns[i].unit.empty() && !is_missing_cell(facts_[i].first)) columns[i].unit = unit_in(facts_[i].first);
    return true;
  }

  const SignalLayout& layout_;
  const fs::path& path_;
  bool first_ = true;
  std::size_t width_ = 0;
  std::size_t used_ = 1;                                      // width without fields that are empty in all rows
  std::size_t rows_ = 0;                                      // without blank ones at the end
  std::size_t blank_ = 0;                                     // since the last that was none
  std::optional<std::pair<std::size_t, std::size_t>> unfit_;  // line and width of the first row of another width
  std::vector<Facts> facts_;                                  // of each column
};

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
    if (number > 0 && !cells.transposed && is_comment_row(line, columns.size())) return;
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
    // Comments may be names or say what these are.
    lines.push_back(without_comment_mark(text.substr(at, end - at)));
    begins.push_back(at + (end - at - lines.back().size()));
    at = end + 1;
  }
  while (!lines.empty() && clean_cell(lines.back()).empty()) lines.pop_back();
  if (lines.empty())
    throw Error(fmt::format("{}: empty", path.string()), "Expected a row of column names, then a row per sample.");
  if (auto column = find_single_column(text)) return *std::move(column);
  const SignalLayout layout = find_layout(lines);
  require_names(layout, lines, path);

  const SignalCells cells = {.text = text.substr(begins[layout.line]),
                             .first_line = layout.line + 1,
                             .separator = layout.separator,
                             .transposed = layout.transposed};
  TableScan scan(layout, path);
  each_csv_row(cells.text, path, cells.separator, cells.first_line, [&](const CsvRow& row) { scan.take(row); });
  SignalTable table = scan.finish();
  Preamble preamble;
  for (std::size_t i = 0; i < layout.line; ++i) read_preamble_line(lines[i], preamble);
  if (preamble.rate_rank >= Preamble::kNamed) table.rate = preamble.rate;
  if (layout.rate) table.rate = layout.rate;
  table.set_aside = layout.set_aside;
  if (layout.guessed) log_warning("{}: taken for no samples: {}", path.string(), fmt::join(layout.set_aside, ", "));
  if (!layout.scaling.empty())
    log_warning("{}: {} {} not used: samples are taken as they stand", path.string(), fmt::join(layout.scaling, ", "),
                layout.scaling.size() == 1 ? "is" : "are");
  table.unit = preamble.unit;
  const std::size_t skipped = table.cells.skipped;
  table.cells = cells;
  table.cells.skipped = skipped;
  return table;
}

}  // namespace cardiograd::data
