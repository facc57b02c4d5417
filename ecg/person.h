// The person whose ECG was recorded.
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace cardiograd::ecg {

// Values of Person::sex, as in PTB-XL.
inline constexpr double kMale = 0;
inline constexpr double kFemale = 1;

// How ages over 89 are written: PTB-XL hides them as 300, this project takes all of them as 90.
inline constexpr double kHiddenAge = 300;
inline constexpr double kAgeOver89 = 90;

inline constexpr double kMaxAge = 130;  // years; what is above cannot be an age

struct Person {
  double age = std::numeric_limits<double>::quiet_NaN();  // years; NaN when unknown
  double sex = std::numeric_limits<double>::quiet_NaN();  // kMale, kFemale, NaN when unknown

  bool female() const { return sex == kFemale; }
};

// What a recording's comments say. Understands "Age: 56", "<age>: 56", "Sex: Female", "<sex>: M" (also several in one
// line) and MIT-BIH's "69 M ...". Ages may be in years, months, weeks, days, hours or minutes, in English, German,
// French, Spanish, Portuguese, Italian or Dutch, as in "Age: 5 months", "Age (days): 12", "Age: 12 d", "Age: 3 Wochen",
// "Age: 2 years 3 months" or DICOM's "018M"; they become years, 1/12, 1/52 or 1/365 of one each. "Age: 56 M" is a man
// of 56 years. Ages over 89 become kAgeOver89. What cannot be an age (below 0, above kMaxAge but for kHiddenAge,
// another unit) or a sex counts as unknown.
Person person_of(const std::vector<std::string>& comments);

}  // namespace cardiograd::ecg
