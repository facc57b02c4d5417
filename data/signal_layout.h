// Where the table in a text begins, and how it is written.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cardiograd::data {

struct SignalLayout {
  char separator = ',';
  std::size_t line = 0;            // of the header, or of the first row where transposed; from 0
  std::size_t known = 0;           // names of leads and times
  std::size_t width = 0;           // fields of this line
  bool transposed = false;         // a row for each column
  std::size_t name_field = 0;      // of such a row: numbers or the like may stand before the name
  bool row_names = false;          // each row begins with a name of its own, which has no column name
  std::vector<std::string> names;  // of the columns where blanks stand within and between them; else empty
};

// A cell without blanks and quotes around it.
std::string_view clean_cell(std::string_view text);

// Whether a cell is a number, a clock time or a mark of a missing one.
bool is_value(std::string_view field);

// The layout that the first lines of a text, at least one, tell: the line with the most names of leads and times before
// a row of as many fields, or rows of a name and numbers. Nothing is known where the first line is given with known 0.
SignalLayout find_layout(std::span<const std::string_view> lines);

// Throws Error where these lines begin a long table (a row for each lead and time), or hold no names at all.
void require_names(const SignalLayout& layout, std::span<const std::string_view> lines,
                   const std::filesystem::path& path);

}  // namespace cardiograd::data
