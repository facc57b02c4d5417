// Text from files and command lines, which may be anything, in messages and names.
#pragma once

#include <string>
#include <string_view>

namespace cardiograd {

// Whether `text` is UTF-8.
bool is_utf8(std::string_view text);

// Why a text cannot be a name, of a class or a lead, that tables, files and messages show as it is: it "is empty", "is
// not UTF-8", "begins with a blank", "ends with a blank", "has a line break", "has a control character". Nothing when
// it can.
std::string name_fault(std::string_view name);

// The text as it may stand in one line on a terminal: control characters and bytes that are no UTF-8 as \x1b and \xff,
// line ends as blanks.
std::string printable(std::string_view text);
// The same of each line, line ends as they are.
std::string printable_lines(std::string_view text);

}  // namespace cardiograd
