// What lines before the values of a text table say about them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cardiograd::data {

struct Preamble {
  static constexpr int kNamed = 2;
  std::optional<double> rate;  // Hz
  int rate_rank = 0;           // how surely: kNamed and more by the line's name, 1 by the unit hertz alone
  std::string lead, unit;      // empty where no line says it
  bool lead_named = false;     // the line has a name, and is not only the lead's own
};

// The text without blanks and quotes around it.
std::string_view without_quotes(std::string_view text);

// A line without a mark of comments before it: "# ", "% " or "// ".
std::string_view without_comment_mark(std::string_view line);

// Takes what a line "name,value" says, the name in a few languages or the value in any: "Sample Rate,512 hertz",
// "# fs = 250", "Interval= 0.004 s", "Unit,uV", "Lead,Lead I"; a line may be a lead's name or a unit alone. What came
// first stays, but what has a name goes before what has none, and "sampling rate" before "rate" and "original sampling
// rate"; the hertz of filters, mains and heart rates are no sampling rate. False for a line that is none of words.
bool read_preamble_line(std::string_view line, Preamble& preamble);

}  // namespace cardiograd::data
