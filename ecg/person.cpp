#include "ecg/person.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>

namespace cardiograd::ecg {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kOldestTold = 89;

struct AgeUnit {
  double per_year;
  std::string_view letter;  // only right after the number, as DICOM writes it: "M" alone is a man
  std::array<std::string_view, 5> words;
};
constexpr std::array kAgeUnits = {AgeUnit{1, "y", {"year", "years", "yr", "yrs", "yo"}},
                                  AgeUnit{12, "m", {"month", "months", "mo", "mos", "mth"}},
                                  AgeUnit{52, "w", {"week", "weeks", "wk", "wks"}}, AgeUnit{365, "d", {"day", "days"}},
                                  AgeUnit{8760, "h", {"hour", "hours", "hr", "hrs"}}};

// The words and numbers of a comment, in lower case.
std::vector<std::string> words_of(const std::string& comment) {
  std::vector<std::string> words;
  bool inside = false;
  for (const unsigned char c : comment) {
    const bool belongs = std::isalnum(c) != 0 || c == '.' || c == '-';
    if (belongs && !inside) words.emplace_back();
    if (belongs) words.back() += static_cast<char>(std::tolower(c));
    inside = belongs;
  }
  return words;
}

const AgeUnit* unit_of(std::string_view word, bool attached) {
  while (word.ends_with('.')) word.remove_suffix(1);
  if (word.empty()) return nullptr;
  for (const AgeUnit& unit : kAgeUnits)
    if ((attached && word == unit.letter) || std::find(unit.words.begin(), unit.words.end(), word) != unit.words.end())
      return &unit;
  return nullptr;
}

struct Duration {
  double years = 0;
  bool has_unit = false;
  std::size_t words = 0;  // that it takes
};

// "56", "056Y", "5 months", "12-days" from words[at] on; a number without unit counts in `otherwise`.
std::optional<Duration> duration_at(const std::vector<std::string>& words, std::size_t at, const AgeUnit& otherwise) {
  if (at >= words.size()) return std::nullopt;
  const std::string& word = words[at];
  double value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
  std::string_view rest(end, static_cast<std::size_t>(word.data() + word.size() - end));
  if (rest.starts_with('-')) rest.remove_prefix(1);
  Duration duration{value / otherwise.per_year, false, 1};
  const AgeUnit* unit = nullptr;
  if (!rest.empty() && rest != ".") {
    unit = unit_of(rest, true);
    if (unit == nullptr) return std::nullopt;
  } else if (at + 1 < words.size()) {
    unit = unit_of(words[at + 1], false);
    if (unit != nullptr) duration.words = 2;
  }
  if (unit != nullptr) duration = {value / unit->per_year, true, duration.words};
  return duration;
}

double known_age(double years) {
  if (!(years >= 0) || (years > kMaxAge && years != kHiddenAge)) return kUnknown;
  return years > kOldestTold ? kAgeOver89 : years;
}

// What follows the word "age": "56", "(months): 5", "in days 12", "2 years 3 months".
double age_after(const std::vector<std::string>& words, std::size_t at) {
  const AgeUnit* otherwise = &kAgeUnits.front();
  if (at < words.size() && words[at] == "in") ++at;
  if (at < words.size())
    if (const AgeUnit* unit = unit_of(words[at], false)) {
      otherwise = unit;
      ++at;
    }
  const auto first = duration_at(words, at, *otherwise);
  if (!first) return kUnknown;
  double years = first->years;
  if (first->has_unit)
    if (const auto second = duration_at(words, at + first->words, *otherwise); second && second->has_unit)
      years += second->years;
  return known_age(years);
}

double sex_of(std::string_view word) {
  if (word == "m" || word == "male") return kMale;
  if (word == "f" || word == "female") return kFemale;
  return kUnknown;
}

}  // namespace

Person person_of(const std::vector<std::string>& comments) {
  Person person;
  for (const std::string& comment : comments) {
    const auto words = words_of(comment);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
      if (words[i] == "age" && std::isnan(person.age)) person.age = age_after(words, i + 1);
      if ((words[i] == "sex" || words[i] == "gender") && std::isnan(person.sex)) person.sex = sex_of(words[i + 1]);
    }
    if (words.size() < 2 || !std::isnan(person.age) || !std::isnan(person.sex)) continue;
    const auto first = duration_at(words, 0, kAgeUnits.front());
    if (!first || first->words >= words.size()) continue;
    const double age = known_age(first->years), sex = sex_of(words[first->words]);
    if (!std::isnan(age) && !std::isnan(sex)) person = {age, sex};
  }
  return person;
}

}  // namespace cardiograd::ecg
