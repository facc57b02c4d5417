// Which fields of rows that are leads are samples; find_row_values() of data/signal_layout.h.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "data/signal_layout.h"
#include "data/signal_preamble.h"
#include "data/signal_table.h"
#include "ecg/channels.h"

namespace cardiograd::data {
namespace {

constexpr std::size_t kLooked = 256;   // fields of each end of a row
constexpr std::size_t kMaxNamed = 32;  // fields that a header may name before or behind the samples
constexpr std::size_t kMaxOthers = 8;  // such fields without a header
constexpr std::size_t kMaxRows = 64;

// The fields behind the name of a row, from one end of it.
using End = std::vector<std::string>;

struct Row {
  std::string name;
  End front, back;        // from the first on, from the last on
  std::size_t width = 0;  // of the whole row, without empty fields at its end
};

Row read_row(std::string_view line, const SignalLayout& layout) {
  Row row;
  End ring(kLooked);
  std::size_t count = 0;
  each_field(line, layout.separator, [&](std::size_t index, std::string_view field) {
    if (!field.empty()) row.width = index + 1;
    if (index == layout.name_field) row.name = field;
    if (index <= layout.name_field) return;
    if (row.front.size() < kLooked) row.front.emplace_back(field);
    ring[count++ % kLooked] = field;
  });
  for (std::size_t i = 0; i < std::min(count, kLooked); ++i) {
    const std::string& field = ring[(count - 1 - i) % kLooked];
    if (!field.empty() || !row.back.empty()) row.back.push_back(field);
  }
  return row;
}

// "s" and 12 of "s12" or "s0012"; nothing before the digits of "12" and "0.004".
std::pair<std::string_view, double> numbered(std::string_view field) {
  if (const auto clock = cell_clock(field)) return {"", *clock};
  const auto digits = std::min(field.find_first_of("0123456789"), field.size());
  double number = std::numeric_limits<double>::quiet_NaN();
  std::from_chars(field.data() + digits, field.data() + field.size(), number);
  return {field.substr(0, digits), number};
}

// Whether one field counts on where another is: "s1" behind "s0".
bool goes_on(std::string_view before, std::string_view behind) {
  const auto [a, first] = numbered(before);
  const auto [b, second] = numbered(behind);
  return a == b && second > first;
}

// How many fields at the end of a header do not count samples; nothing where none do. `backwards`: from its last field.
std::optional<std::size_t> named_fields(const End& end, bool backwards) {
  for (std::size_t k = 0; k < kMaxNamed && k + 1 < end.size(); ++k) {
    const auto counts = [&](std::size_t i) {
      return i + 1 >= end.size() || (backwards ? goes_on(end[i + 1], end[i]) : goes_on(end[i], end[i + 1]));
    };
    if (counts(k) && counts(k + 1)) return k;
  }
  return std::nullopt;
}

// What the rows have at one place.
class Place {
 public:
  Place(const std::vector<const End*>& ends, std::size_t k, char separator)
      : ends_(ends), k_(k), commas_(separator != ',') {}

  bool are_words() const {
    bool words = false;
    for (const End* end : ends_) {
      if (is_missing_cell((*end)[k_])) continue;
      if (is_value((*end)[k_])) return false;
      words = true;
    }
    return words;
  }
  // `zero`: this may be 0.
  bool are_one_value(bool zero = true) const {
    const double value = number(*ends_[0], k_);
    if (!zero && value == 0) return false;
    return std::all_of(ends_.begin(), ends_.end(), [&](const End* end) { return number(*end, k_) == value; });
  }
  bool count_rows() const {
    const double first = number(*ends_[0], k_);
    for (std::size_t row = 0; row < ends_.size(); ++row)
      if (number(*ends_[row], k_) != first + static_cast<double>(row)) return false;
    return first == 0 || first == 1;
  }
  // Whether most rows do not reach it from one sample to the next. Leads cannot all have one value but 0 at once: II is
  // the sum of I and III.
  bool are_one_far_value() const {
    const double value = number(*ends_[0], k_);
    if (!are_one_value(/*zero=*/false)) return false;
    std::size_t far = 0;
    for (const End* end : ends_) {
      double longest = 0;
      for (std::size_t i = kMaxOthers; i + 1 < end->size(); ++i) {
        const double step = std::abs(number(*end, i + 1) - number(*end, i));
        if (step > longest) longest = step;
      }
      if (std::abs(value - number(*end, kMaxOthers)) > longest) ++far;
    }
    return 2 * far > ends_.size();
  }

 private:
  double number(const End& end, std::size_t i) const {
    return cell_number(end[i], commas_).value_or(std::numeric_limits<double>::quiet_NaN());
  }

  const std::vector<const End*>& ends_;
  std::size_t k_;
  bool commas_;
};

// How many fields at one end of the rows are no samples, as their values tell.
std::size_t other_fields(const std::vector<const End*>& ends, char separator) {
  constexpr std::size_t kFewestFields = 16, kFewestRows = 3;
  std::size_t fewest = kLooked;
  for (const End* end : ends) fewest = std::min(fewest, end->size());
  const std::size_t most = std::min(kMaxOthers, fewest - std::min<std::size_t>(fewest, 2));
  bool told = ends.size() >= kFewestRows && fewest >= kFewestFields;
  // Rows that are copies of each other are the same everywhere.
  for (std::size_t k = kMaxOthers; told && k < kMaxOthers + 4; ++k)
    told = !Place(ends, k, separator).are_one_value(/*zero=*/false);
  std::size_t found = 0;
  for (std::size_t k = 0; k < most; ++k) {
    const Place place(ends, k, separator);
    if (place.are_words() || (told && (place.count_rows() || place.are_one_far_value()))) found = k + 1;
  }
  // An offset of 0 behind a gain; many equal ones are samples.
  std::size_t same = found;
  while (told && same > 0 && same < most && Place(ends, same, separator).are_one_value()) ++same;
  return same < most ? same : found;
}

std::string letters_of(std::string_view name) {
  std::string letters;
  for (const unsigned char c : name)
    if (std::isalpha(c) != 0) letters += static_cast<char>(std::tolower(c));
  return letters;
}

// Whether a field is a gain other than 1 or an offset other than 0.
bool scales(std::string_view name, std::string_view cell) {
  constexpr std::array<std::string_view, 8> kGains = {"gain",   "adcgain", "scale",       "scaling",
                                                      "factor", "lsb",     "sensitivity", "resolution"};
  constexpr std::array<std::string_view, 5> kOffsets = {"offset", "baseline", "adczero", "zero", "bias"};
  const std::string letters = letters_of(name);
  const auto value = cell_number(cell, true);
  if (!value) return false;
  if (std::find(kGains.begin(), kGains.end(), letters) != kGains.end()) return *value != 1;
  return std::find(kOffsets.begin(), kOffsets.end(), letters) != kOffsets.end() && *value != 0;
}

// Notes the fields of one end that are no samples. `header`: its fields at this end, null where it does not name them.
void note_fields(const std::vector<const End*>& ends, const End* header, std::size_t count, SignalLayout& layout,
                 Preamble& preamble) {
  for (std::size_t k = 0; k < count; ++k) {
    const End& first = *ends[0];
    const std::string cell = k < first.size() ? first[k] : "";
    if (header == nullptr) {
      if (!is_value(cell)) continue;  // a unit or the like
      layout.set_aside.push_back(fmt::format("'{}' beside the samples", cell));
      layout.guessed = true;
      continue;
    }
    const std::string& name = (*header)[k];
    layout.set_aside.push_back(name.empty() ? fmt::format("'{}'", cell) : name);
    const auto is_same = [&](const End* end) { return k < end->size() && (*end)[k] == cell; };
    if (std::all_of(ends.begin(), ends.end(), is_same)) read_preamble_line(fmt::format("{},{}", name, cell), preamble);
    if (std::any_of(ends.begin(), ends.end(),
                    [&](const End* end) { return k < end->size() && scales(name, (*end)[k]); }))
      layout.scaling.push_back(name);
  }
}

}  // namespace

void find_row_values(std::span<const std::string_view> lines, SignalLayout& layout) {
  const std::size_t begin = layout.line + (layout.header ? 1 : 0);
  std::vector<Row> rows;
  for (std::size_t i = begin; i < lines.size() && rows.size() < kMaxRows; ++i) {
    Row row = read_row(lines[i], layout);
    if (!ecg::is_ecg_name(parse_column_name(row.name).name)) continue;
    if (rows.empty() || row.width == rows.front().width) rows.push_back(std::move(row));
  }
  std::vector<const End*> fronts, backs;
  for (const Row& row : rows) {
    fronts.push_back(&row.front);
    backs.push_back(&row.back);
  }
  if (rows.empty()) return;
  std::optional<std::size_t> before, behind;
  Row header;
  if (layout.header) {
    header = read_row(lines[layout.line], layout);
    // "V1,V2,V3" and "0,1,2" over the names too name nothing.
    if (!header.front.empty() && !goes_on(header.name, header.front[0])) {
      before = named_fields(header.front, /*backwards=*/false);
      behind = named_fields(header.back, /*backwards=*/true);
    }
  }
  const bool named = before && behind;
  if (!named) {
    before = other_fields(fronts, layout.separator);
    behind = other_fields(backs, layout.separator);
  }
  const std::size_t width = named ? header.width : rows.front().width;
  if (*before + *behind + layout.name_field + 1 >= width) return;
  Preamble preamble;
  note_fields(fronts, named ? &header.front : nullptr, *before, layout, preamble);
  note_fields(backs, named ? &header.back : nullptr, *behind, layout, preamble);
  if (preamble.rate_rank >= Preamble::kNamed) layout.rate = preamble.rate;
  layout.values_begin = layout.name_field + 1 + *before;
  if (*behind > 0) layout.values_end = width - *behind;
}

}  // namespace cardiograd::data
