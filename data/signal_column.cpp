// Texts of one column behind lines that say what it is; find_single_column() of data/signal_table.h.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <utility>

#include "data/signal_table.h"
#include "ecg/channels.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

constexpr std::size_t kLongestPreamble = 200;  // lines
constexpr const char* kBlanks = " \t\r\"";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Letters in lower case; bytes of other alphabets count as such.
std::string letters_of(std::string_view text) {
  std::string letters;
  for (const unsigned char c : text)
    if (std::isalpha(c) != 0 || c >= 0x80) letters += static_cast<char>(std::tolower(c));
  return letters;
}

bool is_rate_name(std::string_view name) {
  constexpr std::array<std::string_view, 9> kNames = {"samplerate",        "samplingrate", "samplefrequency",
                                                      "samplingfrequency", "frequency",    "fs",
                                                      "abtastrate",        "messrate",     "abtastfrequenz"};
  return std::find(kNames.begin(), kNames.end(), letters_of(name)) != kNames.end();
}

// Hz of "512 hertz", or of "512" where the name says what it is.
std::optional<double> rate_in(std::string_view name, std::string_view value) {
  double rate = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), rate);
  if (error != std::errc() || !(rate > 0)) return std::nullopt;
  const std::string_view rest = trimmed(value.substr(static_cast<std::size_t>(end - value.data())));
  const std::string unit = letters_of(rest);
  const bool hertz = (unit == "hz" || unit == "hertz") && unit.size() == rest.size();
  return hertz || (rest.empty() && is_rate_name(name)) ? std::optional(rate) : std::nullopt;
}

// "I" of "Lead,Lead I" in any language, of "Lead,I" and of "Channel,I".
std::string lead_in(std::string_view name, std::string_view value) {
  constexpr std::array<std::string_view, 4> kNames = {"lead", "channel", "ableitung", "kanal"};
  const bool repeats = value.size() > name.size() && value.starts_with(name);
  if (!repeats && std::find(kNames.begin(), kNames.end(), letters_of(name)) == kNames.end()) return {};
  const std::string_view lead = repeats ? trimmed(value.substr(name.size())) : value;
  return ecg::is_ecg_name(lead) ? std::string(lead) : std::string();
}

struct Preamble {
  std::optional<double> rate;
  std::string lead, unit;
};

// What a line "name,value" says; false for any other line.
bool read_line(std::string_view line, Preamble& preamble) {
  const auto separator = line.find_first_of(",;\t:=|");
  if (separator == std::string_view::npos) return false;
  const std::string_view name = trimmed(line.substr(0, separator)), value = trimmed(line.substr(separator + 1));
  if (name.empty() || cell_number(name, true) || is_missing_cell(name) || letters_of(name).empty()) return false;
  if (const auto rate = rate_in(name, value); rate && !preamble.rate) preamble.rate = rate;
  if (std::string lead = lead_in(name, value); !lead.empty() && preamble.lead.empty()) preamble.lead = std::move(lead);
  if (ecg::millivolts_per_unit(value) && preamble.unit.empty()) preamble.unit = value;
  return true;
}

// "time,I" or "I,II": the names of a table.
bool names_columns(std::string_view line) {
  const auto separator = line.find_first_of(",;\t|");
  if (separator == std::string_view::npos) return false;
  const std::string_view rest = line.substr(separator + 1);
  const ColumnName first = parse_column_name(trimmed(line.substr(0, separator))),
                   second = parse_column_name(trimmed(rest.substr(0, rest.find_first_of(",;\t|"))));
  return (ecg::is_ecg_name(first.name) || time_column(first).is_time) && ecg::is_ecg_name(second.name);
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
    const std::string_view cell = trimmed(text.substr(at, end - at));
    at = end + 1;
    ++number;
    if (cell.empty()) continue;
    if (table.rows == 0 && names_columns(cell)) return std::nullopt;
    if (table.rows == 0 && number <= kLongestPreamble && read_line(cell, preamble)) continue;
    if (table.rows == 0 && preamble.lead.empty() && !preamble.rate) return std::nullopt;
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
  return table;
}

void each_single_cell(const SignalCells& cells,
                      const std::function<void(std::size_t row, std::string_view cell, std::size_t line)>& use) {
  std::size_t row = 0, line = cells.first_line;
  for (std::size_t at = 0; at < cells.text.size(); ++line) {
    const std::size_t end = std::min(cells.text.find('\n', at), cells.text.size());
    const std::string_view cell = trimmed(cells.text.substr(at, end - at));
    at = end + 1;
    if (!cell.empty()) use(row++, cell, line);
  }
}

}  // namespace cardiograd::data
