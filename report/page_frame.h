// What every page is framed by: a head that loads nothing, style, script, header and footer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "report/markup.h"

namespace cardiograd::report {

struct PageFrame {
  std::string title;
  std::string brand;                // "evaluation report": a line above the title
  std::vector<std::string> notes;   // below it
  std::string writer;               // the program: "evaluate"
  std::string skip_to = "summary";  // the id of the section that the first link leads to
};

// Up to where the content begins: <main> is open.
void begin_page(Markup& page, const PageFrame& frame, const Markup& navigation);
void end_page(Markup& page, const PageFrame& frame);

// The links to the sections of a page, by id and heading.
Markup navigation_of(const std::vector<std::pair<std::string, std::string>>& sections);

}  // namespace cardiograd::report
