#include "ecg/person.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <utility>

namespace cardiograd::ecg {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kOldestTold = 89;

struct AgeUnit {
  double per_year;
  std::string_view letter;
  // Right after the number, as DICOM writes it, any letter is a unit; "m" alone is a man.
  bool letter_stands_alone;
  std::array<std::string_view, 20> words;  // without accents
};
constexpr std::array kAgeUnits = {
    AgeUnit{1,
            "y",
            true,
            {"year", "years", "yr", "yrs", "yo", "jahr", "jahre", "jahren", "an", "ans", "annee", "annees", "ano",
             "anos", "anni", "jaar", "jaren"}},
    AgeUnit{12,
            "m",
            false,
            {"month", "months", "mo", "mos", "mth", "mths", "mnth", "mnths", "monat", "monate", "monaten", "mois",
             "mes", "meses", "mese", "mesi", "maand", "maanden"}},
    AgeUnit{52,
            "w",
            true,
            {"week", "weeks", "wk", "wks", "woche", "wochen", "semaine", "semaines", "semana", "semanas", "settimana",
             "settimane", "weken"}},
    AgeUnit{
        365,
        "d",
        true,
        {"day", "days", "tag", "tage", "tagen", "jour", "jours", "dia", "dias", "giorno", "giorni", "dag", "dagen"}},
    AgeUnit{8760,
            "h",
            true,
            {"hour", "hours", "hr", "hrs", "stunde", "stunden", "std", "heure", "heures", "hora", "horas", "ora", "ore",
             "uur", "uren"}},
    AgeUnit{
        525600, "", false, {"minute", "minutes", "min", "mins", "minuten", "minuto", "minutos", "minuti", "minuut"}}};

// Accented letters of Latin-1 without the accent, in lower case; '\0' for all that is none.
char without_accent(unsigned char latin) {
  const unsigned char c = latin | 0x20;  // in lower case
  if (latin < 0xC0) return '\0';
  if (c >= 0xE0 && c <= 0xE6) return 'a';
  if (c == 0xE7) return 'c';
  if (c >= 0xE8 && c <= 0xEB) return 'e';
  if (c >= 0xEC && c <= 0xEF) return 'i';
  if (c == 0xF1) return 'n';
  if (c >= 0xF2 && c <= 0xF6) return 'o';
  if (c >= 0xF9 && c <= 0xFC) return 'u';
  return '\0';
}

// Whether a letter that stands alone begins a field of its own: "45, W: 70, H: 170" says no age in weeks.
bool is_field(std::string_view letter, std::string_view before, std::string_view after) {
  if (letter != "d" && letter != "h" && letter != "w") return false;
  return before.find_first_not_of(' ') != std::string_view::npos ||
         after.substr(std::min(after.find_first_not_of(' '), after.size())).find_first_of(":=") == 0;
}

// The words and numbers of a comment, in lower case and without accents (in UTF-8). A decimal comma becomes a point.
// A letter that begins a field ends with a colon.
std::vector<std::string> words_of(const std::string& comment) {
  std::vector<std::string> words;
  const auto digit = [&](std::size_t at) {
    return at < comment.size() && std::isdigit(static_cast<unsigned char>(comment[at])) != 0;
  };
  std::size_t end = 0;  // of the last word
  for (std::size_t at = 0; at < comment.size();) {
    const std::size_t begin = at;
    std::string word;
    for (; at < comment.size(); ++at) {
      const auto c = static_cast<unsigned char>(comment[at]);
      const bool comma =
          c == ',' && at > begin && digit(at - 1) && digit(at + 1) && word.find('.') == std::string::npos;
      const bool utf8 = c == 0xC3 && at + 1 < comment.size();
      const char plain = utf8 ? without_accent(static_cast<unsigned char>(comment[at + 1]) | 0x40) : '\0';
      if (plain == '\0' && !comma && std::isalnum(c) == 0 && c != '.' && c != '-') break;
      word += plain != '\0' ? plain : comma ? '.' : static_cast<char>(std::tolower(c));
      at += plain != '\0' ? 1 : 0;
    }
    if (word.empty()) {
      ++at;
      continue;
    }
    const std::string_view text(comment);
    if (is_field(word, text.substr(end, begin - end), text.substr(at))) word += ':';
    words.push_back(std::move(word));
    end = at;
  }
  return words;
}

const AgeUnit* unit_of(std::string_view word, bool attached) {
  while (word.ends_with('.')) word.remove_suffix(1);
  if (word.empty()) return nullptr;
  for (const AgeUnit& unit : kAgeUnits)
    if (((attached || unit.letter_stands_alone) && word == unit.letter) ||
        std::find(unit.words.begin(), unit.words.end(), word) != unit.words.end())
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
  constexpr std::array<std::string_view, 8> kMen = {"m",        "male",      "mannlich", "maennlich",
                                                    "masculin", "masculino", "homme",    "hombre"};
  constexpr std::array<std::string_view, 8> kWomen = {"f",        "female",   "weiblich", "feminin",
                                                      "feminino", "femenino", "femme",    "mujer"};
  if (std::find(kMen.begin(), kMen.end(), word) != kMen.end()) return kMale;
  if (std::find(kWomen.begin(), kWomen.end(), word) != kWomen.end()) return kFemale;
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
