// Texts of one column behind lines that say what it is; find_single_column() of data/signal_table.h.
#include <algorithm>

#include "data/signal_preamble.h"
#include "data/signal_table.h"
#include "ecg/channels.h"

namespace cardiograd::data {
namespace {

constexpr std::size_t kLongestPreamble = 200;  // lines

// "time,I" or "I,II": the names of a table.
bool names_columns(std::string_view line) {
  const auto separator = line.find_first_of(",;\t|");
  if (separator == std::string_view::npos) return false;
  const std::string_view rest = line.substr(separator + 1);
  const ColumnName first = parse_column_name(without_quotes(line.substr(0, separator))),
                   second = parse_column_name(without_quotes(rest.substr(0, rest.find_first_of(",;\t|"))));
  return (ecg::is_ecg_name(first.name) || time_column(first).is_time) && ecg::is_ecg_name(second.name);
}

// The value of a line, without what separates empty fields behind it.
std::string_view value_in(std::string_view line) {
  const std::string_view cell = without_quotes(line);
  return without_quotes(cell.substr(0, cell.find_last_not_of(",;\t \"") + 1));
}

// A number by itself. One with a comma may be two fields: it counts where the lead is known, and so is the only one.
bool is_only_value(std::string_view cell, const Preamble& preamble) {
  if (cell.find(',') != std::string_view::npos && (preamble.lead.empty() || cell.find('.') != std::string_view::npos))
    return false;
  return cell_number(cell, true).has_value() || is_missing_cell(cell);
}

}  // namespace

std::optional<SignalTable> find_single_column(std::string_view text) {
  constexpr std::size_t kLooked = 3;  // values that tell what the text is
  Preamble preamble;
  SignalTable table;
  DecimalMarks marks;
  std::optional<bool> words;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at, end = std::min(text.find('\n', at), text.size());
    const std::string_view cell = value_in(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (cell.empty()) continue;
    if (table.rows == 0 && names_columns(cell)) return std::nullopt;
    if (table.rows == 0 && number <= kLongestPreamble && read_preamble_line(cell, preamble)) continue;
    if (table.rows == 0 && !preamble.lead_named && !preamble.rate) return std::nullopt;
    if (table.rows < kLooked && !is_only_value(cell, preamble)) return std::nullopt;
    if (table.rows == 0) {
      table.header_line = number;
      table.cells = {.text = text.substr(begin), .first_line = number, .single = true};
    }
    ++table.rows;
    marks.add(cell);
    if (!words && !is_missing_cell(cell)) words = is_word_cell(cell);
  }
  if (table.rows == 0) return std::nullopt;
  table.columns = {{preamble.lead.empty() ? "ECG" : preamble.lead, preamble.unit}};
  table.rate = preamble.rate;
  table.decimal_commas = find_decimal_commas({&marks, 1}, true);
  table.words = {words.value_or(false)};
  table.texts = {false};
  table.counters = {false};
  return table;
}

void each_single_cell(const SignalCells& cells,
                      const std::function<void(std::size_t row, std::string_view cell, std::size_t line)>& use) {
  std::size_t row = 0, line = cells.first_line;
  for (std::size_t at = 0; at < cells.text.size(); ++line) {
    const std::size_t end = std::min(cells.text.find('\n', at), cells.text.size());
    const std::string_view cell = value_in(cells.text.substr(at, end - at));
    at = end + 1;
    if (!cell.empty()) use(row++, cell, line);
  }
}

}  // namespace cardiograd::data
