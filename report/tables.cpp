#include "report/tables.h"

#include <cstddef>

namespace cardiograd::report {
namespace {

void add_cell(Markup& page, const char* tag, const char* scope, const Cell& cell) {
  page.open(tag, {{"scope", scope}, {"class", cell.drawing.empty() ? "" : "drawing"}});
  if (cell.drawing.empty()) {
    page.text(cell.text);
  } else {
    page.verbatim(cell.drawing);
  }
  page.close(tag);
}

}  // namespace

void add_table(Markup& page, const Table& table) {
  page.open("div", {{"class", "scroll"}, {"tabindex", "0"}, {"role", "region"}, {"aria-label", table.caption}});
  // The caption stays in sight, and within the screen, while the table scrolls.
  page.open("table").open("caption").element("span", table.caption).close("caption");
  page.open("thead").open("tr");
  for (const Cell& column : table.columns) add_cell(page, "th", "col", column);
  page.close("tr").close("thead").open("tbody");
  for (const TableRow& row : table.rows) {
    page.open("tr", {{"class", row.apart ? "apart" : ""}});
    for (std::size_t i = 0; i < row.cells.size(); ++i)
      add_cell(page, i == 0 ? "th" : "td", i == 0 ? "row" : "", row.cells[i]);
    page.close("tr");
  }
  page.close("tbody").close("table").close("div");
}

}  // namespace cardiograd::report
