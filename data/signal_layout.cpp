#include "data/signal_layout.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "base/error.h"
#include "data/csv.h"
#include "data/signal_table.h"
#include "ecg/channels.h"

namespace cardiograd::data {
namespace {

constexpr std::size_t kLongestName = 1000;
constexpr std::size_t kMaxLeads = 64;  // of a table whose rows are leads
constexpr std::array kSeparators = {',', ';', '\t', '|'};

constexpr const char* kNameTheLeads = "Let the first row name the leads: I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6.";

bool is_known_name(std::string_view field) {
  // Where a lead is a line, it is long, and nearly all of it numbers; to other separators it is one long field.
  if (field.size() > kLongestName ||
      std::none_of(field.begin(), field.end(), [](unsigned char c) { return std::isalpha(c) != 0 || c >= 0x80; }))
    return false;
  const ColumnName name = parse_column_name(field);
  return ecg::is_ecg_name(name.name) || time_column(name).is_time;
}

// Without empty fields at its end.
std::size_t width_of(std::string_view line, char separator) {
  std::size_t width = 1;
  each_field(line, separator, [&](std::size_t i, std::string_view field) { width = field.empty() ? width : i + 1; });
  return width;
}

// How many names of leads and times there are; none in a line that is nearly all numbers, as a row of times is.
std::size_t known_names(std::string_view line, char separator) {
  constexpr std::size_t kMaxNumbers = 8;  // more than names
  std::size_t known = 0, numbers = 0;
  each_field(line, separator, [&](std::size_t, std::string_view field) {
    known += !field.empty() && is_known_name(field) ? 1 : 0;
    numbers += cell_number(field, true) ? 1 : 0;
  });
  return numbers > known + kMaxNumbers ? 0 : known;
}

// Names with blanks in them, which at least two blanks separate, as rdsamp writes them.
std::vector<std::string> names_with_blanks(std::string_view line) {
  std::vector<std::string> names;
  while (true) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (clean_cell(line).empty()) return names;
    const std::size_t end = std::min(line.find("  "), line.size());
    names.emplace_back(clean_cell(line.substr(0, end)));
    line.remove_prefix(end);
  }
}

// Whether rows begin with their names, as R and pandas write them: the only ones in quotes, or counted.
bool have_row_names(std::span<const std::string_view> rows, char separator, std::size_t width) {
  constexpr std::size_t kLooked = 3;
  if (rows.size() < kLooked) return false;
  std::optional<double> before;
  for (const std::string_view row : rows.first(kLooked)) {
    if (row.starts_with('"') && std::count(row.begin(), row.end(), '"') == 2) continue;
    std::optional<double> number;
    each_field(row, separator, [&](std::size_t i, std::string_view field) {
      if (i == 0) number = cell_number(field, false);
    });
    // "0,125" below one name has a decimal comma.
    if (!number || width < 2 || (before ? *number != *before + 1 : *number != 0 && *number != 1)) return false;
    before = number;
  }
  return true;
}

// The line with the most names that leads and times have, before a row of as many fields.
SignalLayout find_header(std::span<const std::string_view> lines, char separator) {
  SignalLayout best{.separator = separator, .names = {}};
  std::size_t width = width_of(lines[0], separator), next = 0;
  for (std::size_t i = 0; i < lines.size(); ++i, width = next) {
    const bool last = i + 1 == lines.size();
    if (!last) next = width_of(lines[i + 1], separator);
    if (last && i > 0) continue;
    SignalLayout own{.separator = separator, .line = i, .width = width, .names = {}};
    if (!last && next != width) {
      own.row_names = next == width + 1 && have_row_names(lines.subspan(i + 1), separator, width);
      if (!own.row_names && separator == ' ') own.names = names_with_blanks(lines[i]);
      if (!own.row_names && own.names.size() != next) continue;
    }
    own.known = own.names.empty()
                    ? known_names(lines[i], separator)
                    : static_cast<std::size_t>(std::count_if(own.names.begin(), own.names.end(),
                                                             [](const auto& n) { return is_known_name(n); }));
    if (own.known > best.known) best = std::move(own);
  }
  return best;
}

constexpr std::size_t kMaxBefore = 8;  // fields that may stand before the name of a row

// What the first fields of a line are.
struct FirstFields {
  static constexpr std::size_t kLooked = 20;
  std::array<bool, kMaxBefore> names{};
  std::array<bool, kLooked> values{};
  std::array<std::string, kMaxBefore> texts;  // where they are names
  std::size_t count = 0;                      // of all fields

  FirstFields(std::string_view line, char separator) {
    each_field(line, separator, [&](std::size_t index, std::string_view field) {
      if (index < kMaxBefore && is_known_name(field)) {
        names.at(index) = true;
        texts.at(index) = field;
      }
      if (index < kLooked) values.at(index) = is_value(field);
      ++count;
    });
  }

  // Whether field `k` is a name with samples behind it, perhaps with a few fields between them.
  bool is_lead(std::size_t k) const {
    constexpr std::size_t kManyFields = 12, kRun = 4;
    if (!names.at(k) || (k > 0 && count < kManyFields)) return false;
    if (values.at(k + 2)) return true;
    for (std::size_t begin = k + 1; count >= kManyFields && begin <= k + kMaxBefore; ++begin)
      if (std::all_of(values.begin() + static_cast<std::ptrdiff_t>(begin),
                      values.begin() + static_cast<std::ptrdiff_t>(begin + kRun), [](bool value) { return value; }))
        return true;
    return false;
  }
};

// Rows of "name, numbers ...", or of many numbers behind something else and a name.
SignalLayout find_rows(std::span<const std::string_view> lines, char separator) {
  std::array<SignalLayout, kMaxBefore> layouts{};
  std::array<std::set<std::string>, kMaxBefore> names;
  std::array<std::size_t, kMaxBefore> lasts{};
  for (std::size_t i = 0; i < std::min(lines.size(), kMaxLeads); ++i) {
    const FirstFields fields(lines[i], separator);
    for (std::size_t k = 0; k < kMaxBefore; ++k) {
      if (!fields.is_lead(k)) continue;
      if (layouts.at(k).known++ == 0) layouts.at(k).line = i;
      names.at(k).insert(fields.texts.at(k));
      lasts.at(k) = i;
    }
  }
  std::size_t field = 0;
  for (std::size_t k = 1; k < kMaxBefore; ++k) {
    const SignalLayout& own = layouts.at(k);
    // Marks of beats may be "V": farther from the begin of lines, names differ and follow each other.
    constexpr std::size_t kFewest = 3;
    const bool doubtful =
        k > 1 && (own.known < kFewest || names.at(k).size() < own.known || lasts.at(k) - own.line >= own.known);
    if (!doubtful && own.known > layouts.at(field).known) field = k;
  }
  SignalLayout& best = layouts.at(field);
  best.name_field = field;
  best.separator = separator;
  best.transposed = true;
  best.values_begin = field + 1;
  return best;
}

[[noreturn]] void fail_without_header(const std::filesystem::path& path, std::size_t line, std::string_view found) {
  throw Error(fmt::format("{}:{}: no header: found '{}', expected column names", path.string(), line,
                          clean_cell(found.substr(0, 40))),
              kNameTheLeads);
}

void expect_words(const std::filesystem::path& path, std::size_t line_number, std::string_view line) {
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

// A header such as "lead,time,value".
bool is_long_header(std::string_view line, char separator) {
  constexpr std::size_t kWidest = 8;
  constexpr std::array<std::string_view, 5> kLeads = {"lead", "lead_name", "channel", "ableitung", "kanal"};
  constexpr std::array<std::string_view, 3> kSamples = {"sample", "index", "i"};
  std::size_t width = 0;
  bool lead = false, time = false;
  each_field(line, separator, [&](std::size_t, std::string_view field) {
    ++width;
    std::string word;
    for (const unsigned char c : field.substr(0, kLongestName)) word += static_cast<char>(std::tolower(c));
    lead = lead || std::find(kLeads.begin(), kLeads.end(), word) != kLeads.end();
    time = time || std::find(kSamples.begin(), kSamples.end(), word) != kSamples.end() ||
           time_column(parse_column_name(word)).is_time;
  });
  return lead && time && width >= 3 && width <= kWidest;
}

// Whether all names of leads that a line has are V1, V2, ... in order, with no other: R's names, not those of leads.
bool has_default_names(std::string_view line, char separator) {
  constexpr std::size_t kChestLeads = 6;
  std::vector<std::string> names;
  each_field(line, separator, [&](std::size_t, std::string_view field) {
    if (is_known_name(field)) names.emplace_back(field);
  });
  return names.size() > kChestLeads && are_default_names(names);
}

}  // namespace

void each_field(std::string_view line, char separator, const std::function<void(std::size_t, std::string_view)>& use) {
  std::string field;
  bool quoted = false;
  std::size_t index = 0;
  for (const char c : line) {
    if (c == '"' && (quoted || field.empty())) {
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

std::string_view clean_cell(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto strip = [&] {
    const auto first = text.find_first_not_of(kBlanks);
    text = first == std::string_view::npos ? std::string_view()
                                           : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
  };
  strip();
  // 'MLII', as rdsamp quotes; "0.5" behind a blank.
  if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') && text.front() == text.back()) {
    text = text.substr(1, text.size() - 2);
    strip();
  }
  return text;
}

bool is_value(std::string_view field) {
  return cell_number(field, true).has_value() || cell_clock(field).has_value() ||
         (!field.empty() && is_missing_cell(field));
}

SignalLayout find_layout(std::span<const std::string_view> lines) {
  SignalLayout header, rows;
  const auto look = [&](char separator) {
    SignalLayout a = find_header(lines, separator), b = find_rows(lines, separator);
    if (a.known > header.known) header = std::move(a);
    if (b.known > rows.known) rows = std::move(b);
  };
  for (const char separator : kSeparators) look(separator);
  // Blanks may be within names: they separate where nothing else does.
  if (rows.known == 0 && header.width <= 1) look(' ');
  const bool unnamed = rows.known > 1 && header.known > 1 && has_default_names(lines[header.line], header.separator);
  if (rows.known > 0 && (header.known <= 1 || unnamed)) {
    // A line before them with as many fields numbers the samples or gives their times.
    const std::size_t before = rows.line > 0 ? width_of(lines[rows.line - 1], rows.separator) : 0;
    rows.header = before > 2 && before == width_of(lines[rows.line], rows.separator);
    if (rows.header) --rows.line;
    find_row_values(lines, rows);
    return rows;
  }
  return header.known > 0 ? header : SignalLayout{.separator = csv_separator(lines[0]), .names = {}};
}

void require_names(const SignalLayout& layout, std::span<const std::string_view> lines,
                   const std::filesystem::path& path) {
  const bool known = layout.known > 0;
  for (std::size_t i = 0; i < (known ? layout.line + 1 : lines.size()); ++i)
    if (is_long_header(lines[i], known ? layout.separator : csv_separator(lines[i])))
      throw Error(fmt::format("{}:{}: a row for each lead and time ('{}'), expected a column for each lead",
                              path.string(), i + 1, clean_cell(lines[i])),
                  "Pivot the table, for example with pandas' pivot(index='time', columns='lead', values='value').");
  if (layout.known == 0) expect_words(path, layout.line + 1, lines[layout.line]);
}

}  // namespace cardiograd::data
