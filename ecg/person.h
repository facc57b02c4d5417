// The person whose ECG was recorded.
#pragma once

#include <limits>
#include <string>
#include <string_view>
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

// What a recording's comments say. Understands "Age: 56", "<age>: 56", "PatientAge: 056Y", "Age at recording: 56",
// "Sex: Female", "<sex>: M", "Age/Sex: 56/F" (also several in one line), MIT-BIH's "69 M ..." and "a 56-year-old man".
// Ages may be in years, months, weeks, days, hours or minutes, in English, German, French, Spanish, Portuguese,
// Italian, Dutch, Danish, Norwegian or Swedish, as in "Age: 5 months", "Age (days): 12", "AgeMonths: 5", "Age: 12 d",
// "Age: 3 Wochen", "Age: 2 years 3 months", "Age: 2y3m", "Age: 3/12" or DICOM's "018M"; they become years, 1/12, 1/52
// or 1/365 of one each. A field of its own ("AgeUnit: months", also in another comment) is the unit of an age without
// one. "Age: 56 M" is a man of 56 years, "Age: 5 m" may be 5 months and is unknown. Ages over 89
// become kAgeOver89. What cannot be an age (below 0, above kMaxAge but for kHiddenAge, another unit or a word that may
// be one) or a sex counts as unknown, and so do the ages of others ("Maternal age", "Bone age", "Gestational age").
Person person_of(const std::vector<std::string>& comments);

// "Age: 56", or "Age: 40 days" where it is less than two years, as a comment for person_of. The dates begin
// "1951-05-02" or "19510502"; of the birth the year may be all, which is then not taken for children. Empty where one
// is no date, the birth is the later one, or the age is over 110 years.
std::string age_comment(std::string_view born, std::string_view recorded);

}  // namespace cardiograd::ecg
