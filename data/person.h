// Age and sex of the person that a recording's comments tell of.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace cardiograd::data {

struct Person {
  double age = std::numeric_limits<double>::quiet_NaN();  // years; NaN when unknown; 90 for all above 89, as in PTB-XL
  double sex = std::numeric_limits<double>::quiet_NaN();  // 0 male, 1 female, NaN when unknown
};

// Understands "Age: 56", "<age>: 56", "Sex: Female", "<sex>: M" (also several in one line) and MIT-BIH's "69 M ...".
// What cannot be an age (below 0, above 130 but for PTB-XL's 300) or a sex counts as unknown.
Person person_of(const std::vector<std::string>& comments);

}  // namespace cardiograd::data
