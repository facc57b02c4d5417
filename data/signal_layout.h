// Where the table in a text begins, and how it is written.
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

struct SignalLayout {
  char separator = ',';
  bool transposed = false;       // a row for each column
  bool header = false;           // the first of such rows is no lead: it numbers the samples or gives their times
  bool guessed = false;          // fields beside their samples are numbers that their values alone tell from these
  bool row_names = false;        // each row begins with a name of its own, which has no column name
  std::size_t line = 0;          // of the header, or of the first row where transposed; from 0
  std::size_t known = 0;         // names of leads and times
  std::size_t width = 0;         // fields of this line
  std::size_t name_field = 0;    // of a row that is a lead: other fields may stand before its name
  std::size_t values_begin = 1;  // of such a row: others may stand before and behind its samples
  std::size_t values_end = std::string_view::npos;
  std::optional<double> rate = {};          // Hz, where such a field says it
  std::vector<std::string> set_aside = {};  // names of these fields, where the header has them, or their values
  std::vector<std::string> scaling = {};    // such fields that are no neutral gain or offset
  std::vector<std::string> names;           // of the columns where blanks stand within and between them; else empty
};

// Calls `use` with the number and the text of each field of one line, without regard to what RFC 4180 allows within
// quotes but the separator. A line may be as long as the file: its fields are not held together.
void each_field(std::string_view line, char separator, const std::function<void(std::size_t, std::string_view)>& use);

// A cell without blanks and quotes around it.
std::string_view clean_cell(std::string_view text);

// Whether a cell is a number, a clock time or a mark of a missing one.
bool is_value(std::string_view field);

// The layout that the first lines of a text, at least one, tell: the line with the most names of leads and times before
// a row of as many fields, or rows of a name and numbers. Nothing is known where the first line is given with known 0.
SignalLayout find_layout(std::span<const std::string_view> lines);

// Where the samples of rows that are leads begin and end: values_begin, values_end and what is behind them in `layout`.
// A header tells it, whose samples are numbered ("s0", "s1", 0, 1, 2 or times), or else the rows: words in all of them,
// and numbers that count the rows or are the same in all of them and no neighbors of the samples.
void find_row_values(std::span<const std::string_view> lines, SignalLayout& layout);

// Throws Error where these lines begin a long table (a row for each lead and time), or hold no names at all.
void require_names(const SignalLayout& layout, std::span<const std::string_view> lines,
                   const std::filesystem::path& path);

}  // namespace cardiograd::data
