#include "ecg/person.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <string_view>

namespace cardiograd::ecg {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kOldestTold = 89;

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

double age_of(std::string_view word) {
  double age = kUnknown;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), age);
  if (error != std::errc() || end != word.data() + word.size() || !std::isfinite(age)) return kUnknown;
  if (age < 0 || (age > kMaxAge && age != kHiddenAge)) return kUnknown;
  return age > kOldestTold ? kAgeOver89 : age;
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
      if (words[i] == "age" && std::isnan(person.age)) person.age = age_of(words[i + 1]);
      if ((words[i] == "sex" || words[i] == "gender") && std::isnan(person.sex)) person.sex = sex_of(words[i + 1]);
    }
    if (words.size() < 2 || !std::isnan(person.age) || !std::isnan(person.sex)) continue;
    const double age = age_of(words[0]), sex = sex_of(words[1]);
    if (!std::isnan(age) && !std::isnan(sex)) person = {age, sex};
  }
  return person;
}

}  // namespace cardiograd::ecg
