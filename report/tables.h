// Tables of the report, made for screen readers as well: a caption, a scope for every heading.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/markup.h"

namespace cardiograd::report {

// A cell of text, or of a drawing.
struct Cell {
  Cell(std::string words) : text(std::move(words)) {}  // NOLINT(google-explicit-constructor): rows are lists of texts
  Cell(const char* words) : text(words) {}             // NOLINT(google-explicit-constructor)
  Cell(const Markup& picture) : drawing(picture.str()) {}  // NOLINT(google-explicit-constructor)

  std::string text;
  std::string drawing;
};

struct TableRow {
  std::vector<Cell> cells;  // the first names the row
  bool apart = false;       // a line above: sums and means
};

// A table with a heading for each column.
struct Table {
  std::string caption;
  std::vector<Cell> columns;
  std::vector<TableRow> rows;
};

// In a box of its own that scrolls sideways where the screen is too narrow.
void add_table(Markup& page, const Table& table);

}  // namespace cardiograd::report
