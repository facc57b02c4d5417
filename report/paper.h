// What the paper reports, to stand beside one's own figures (Xie, Pal, Chew, HC-CNN-TN, Tables 2 and 3, section 3.2).
#pragma once

#include <optional>
#include <string_view>

#include "data/scp_codes.h"

namespace cardiograd::report {

struct PaperScores {
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

// Means over the classes of a task.
struct PaperMacro : PaperScores {
  double auc = 0;
};

// Table 2; nothing for a class that is none of the five.
std::optional<PaperScores> paper_class(data::Task task, std::string_view class_name);

// The macro means of the five superclasses or the 23 subclasses; nothing for other classes.
std::optional<PaperMacro> paper_macro(data::Task task);

inline constexpr int kPaperRecords = 21799;

}  // namespace cardiograd::report
