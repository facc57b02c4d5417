#include "ecg/person.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ecg/leads.h"

namespace cardiograd::ecg {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();
constexpr double kOldestTold = 89;

struct AgeUnit {
  double per_year;
  std::string_view letter;
  // Right after the number, as DICOM writes it, any letter is a unit; "m" alone may be a man.
  bool letter_stands_alone;
  std::array<std::string_view, 26> words;  // without accents
};
constexpr std::array kAgeUnits = {
    AgeUnit{1,
            "y",
            true,
            {"year", "years", "yr", "yrs", "yo", "jahr", "jahre", "jahren", "an", "ans", "annee", "annees", "ano",
             "anos", "anni", "jaar", "jaren", "ar"}},
    AgeUnit{12, "m", false, {"month", "months", "mo",      "mos",    "mth",     "mths",  "mnth",   "mnths",
                             "monat", "monate", "monaten", "monats", "mois",    "mes",   "meses",  "mese",
                             "mesi",  "maand",  "maanden", "maned",  "maneder", "manad", "manader"}},
    AgeUnit{52,
            "w",
            true,
            {"week", "weeks", "wk", "wks", "woche", "wochen", "semaine", "semaines", "semana", "semanas", "settimana",
             "settimane", "weken", "uge", "uger", "uke", "uker", "vecka", "veckor"}},
    AgeUnit{365,
            "d",
            true,
            {"day", "days", "tag", "tage", "tagen", "jour", "jours", "dia", "dias", "giorno", "giorni", "dag", "dagen",
             "dage", "dager", "dagar"}},
    AgeUnit{8760,
            "h",
            true,
            {"hour", "hours", "hr", "hrs", "stunde", "stunden", "std", "heure", "heures", "hora", "horas", "ora", "ore",
             "uur", "uren", "timer", "timmar"}},
    AgeUnit{525600,
            "",
            false,
            {"minute", "minutes", "min", "mins", "minuten", "minuto", "minutos", "minuti", "minuut", "minutter",
             "minuter"}}};
const AgeUnit& kYears = kAgeUnits[0];
// Of a field that names a unit that is not known here: no number in it becomes an age.
constexpr AgeUnit kNoUnit = {kUnknown, "", false, {}};
constexpr std::array<std::string_view, 6> kForeignAges = {"alter", "edad", "idade", "leeftijd", "eta", "alder"};
// Months are written up to here; a larger number before a lone "m" is the age of a man.
constexpr double kMaxMonths = 36;

template <std::size_t n>
bool is_one_of(std::string_view word, const std::array<std::string_view, n>& words) {
  return !word.empty() && std::find(words.begin(), words.end(), word) != words.end();
}

struct Word {
  std::string text;         // in lower case and without accents
  std::string_view before;  // what separates it from the word before
  bool field = false;       // ':' or '=' follows
};

// The words and numbers of a comment (in UTF-8). A decimal comma becomes a point; "3/12" is a word.
std::vector<Word> comment_words(std::string_view comment) {
  std::vector<Word> words;
  const auto digit = [&](std::size_t at) {
    return at < comment.size() && std::isdigit(static_cast<unsigned char>(comment[at])) != 0;
  };
  std::size_t end = 0;  // of the last word
  for (std::size_t at = 0; at < comment.size();) {
    const std::size_t begin = at;
    Word word;
    for (; at < comment.size(); ++at) {
      const auto c = static_cast<unsigned char>(comment[at]);
      const bool between = at > begin && digit(at - 1) && digit(at + 1);
      const bool comma = c == ',' && between && word.text.find('.') == std::string::npos;
      const bool utf8 = c == 0xC3 && at + 1 < comment.size();
      const char plain = utf8 ? without_accent(static_cast<unsigned char>(comment[at + 1]) | 0x40) : '\0';
      const bool part = std::isalnum(c) != 0 || c == '.' || c == '-' || (c == '/' && between);
      if (plain == '\0' && !comma && !part) break;
      word.text += plain != '\0' ? plain : comma ? '.' : static_cast<char>(std::tolower(c));
      at += plain != '\0' ? 1 : 0;
    }
    if (word.text.empty()) {
      ++at;
      continue;
    }
    const std::string_view after = comment.substr(at);
    word.before = comment.substr(end, begin - end);
    word.field = after.substr(std::min(after.find_first_not_of(" >)]"), after.size())).find_first_of(":=") == 0;
    words.push_back(std::move(word));
    end = at;
  }
  return words;
}

// Blanks, also those at which no line ends.
bool only_blanks(std::string_view text) {
  return text.find_first_not_of(" \t\xC2\xA0") == std::string_view::npos;
}

// Within a word: "years", "y.o.".
const AgeUnit* unit_of(std::string text, bool any_letter) {
  std::erase(text, '.');
  if (text.empty()) return nullptr;
  for (const AgeUnit& unit : kAgeUnits)
    if (((any_letter || unit.letter_stands_alone) && text == unit.letter) || is_one_of(text, unit.words)) return &unit;
  return nullptr;
}

// The unit that a word of its own says. A letter that begins a field is none: "45, W: 70, H: 170" says no age in weeks.
const AgeUnit* unit_of(const Word& word, bool any_letter) {
  const bool may_be_field = word.text == "d" || word.text == "h" || word.text == "w";
  if (may_be_field && (word.field || !only_blanks(word.before))) return nullptr;
  return unit_of(word.text, any_letter);
}

struct Duration {
  double years = 0;
  bool has_unit = false;
  std::size_t words = 0;  // that it takes
};

// What follows a number within its word, up to the next number: "y", "-year-old", "/12" (months), "/52" (weeks).
const AgeUnit* attached_unit(std::string_view& rest) {
  if (rest.starts_with('/')) {
    const std::string_view parts = rest.substr(1);
    rest = {};
    return parts == "12"                    ? &kAgeUnits[1]
           : parts == "52"                  ? &kAgeUnits[2]
           : parts == "7" || parts == "365" ? &kAgeUnits[3]
                                            : nullptr;
  }
  std::string_view unit = rest.substr(0, rest.find_first_of("0123456789"));
  rest.remove_prefix(unit.size());
  if (unit.starts_with('-')) unit.remove_prefix(1);
  if (unit.ends_with("-old")) unit.remove_suffix(4);
  if (unit.ends_with('-')) unit.remove_suffix(1);
  return unit_of(std::string(unit), true);
}

// "56", "056Y", "2y3m", "3/12", "5 months", "12-days" from words[at] on; a number without unit counts in `otherwise`.
// `any_letter`: also "m" as a word of its own is a unit.
std::optional<Duration> duration_at(const std::vector<Word>& words, std::size_t at, const AgeUnit& otherwise,
                                    bool any_letter = false) {
  if (at >= words.size()) return std::nullopt;
  std::string_view rest = words[at].text;
  Duration duration{0, false, 1};
  while (!rest.empty()) {
    double value = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value, std::chars_format::fixed);
    if (error != std::errc() || !std::isfinite(value) || value < 0) return std::nullopt;
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    const AgeUnit* unit = nullptr;
    if (rest.empty() || rest == ".") {
      rest = {};
      if (duration.has_unit) return std::nullopt;  // "2y3"
      unit = at + 1 < words.size() ? unit_of(words[at + 1], any_letter) : nullptr;
      if (unit != nullptr) duration.words = 2;
    } else {
      unit = attached_unit(rest);
      if (unit == nullptr) return std::nullopt;
    }
    duration.years += value / (unit != nullptr ? *unit : otherwise).per_year;
    duration.has_unit = unit != nullptr;
  }
  return duration;
}

double known_age(double years) {
  if (!(years >= 0) || (years > kMaxAge && years != kHiddenAge)) return kUnknown;
  return years > kOldestTold ? kAgeOver89 : years;
}

double sex_of(std::string_view word) {
  constexpr std::array<std::string_view, 16> kMen = {"m",         "male",  "man",    "boy",    "mannlich", "maennlich",
                                                     "masculin",  "homme", "hombre", "homem",  "mann",     "junge",
                                                     "masculino", "uomo",  "garcon", "maschio"};
  constexpr std::array<std::string_view, 17> kWomen = {"f",        "female", "woman",    "girl",   "w",      "weiblich",
                                                       "feminin",  "femme",  "mujer",    "mulher", "frau",   "madchen",
                                                       "feminino", "donna",  "femenino", "fille",  "femmina"};
  if (is_one_of(word, kMen)) return kMale;
  if (is_one_of(word, kWomen)) return kFemale;
  return kUnknown;
}

bool is_sex_word(std::string_view word) {
  constexpr std::array<std::string_view, 9> kNames = {"sex",  "gender",     "patientsex", "patientgender", "sexo",
                                                      "sexe", "geschlecht", "sesso",      "geslacht"};
  return is_one_of(word, kNames);
}

// Whether the age at words[at] is that of the person: not of the mother, of bones or of a pregnancy.
bool is_own_age(const std::vector<Word>& words, std::size_t at) {
  constexpr std::array<std::string_view, 7> kOwn = {"patient", "patients", "subject",    "subjects",
                                                    "the",     "person",   "participant"};
  constexpr std::array<std::string_view, 17> kOthers = {
      "maternal", "mother",    "mothers", "paternal", "father",     "fathers",   "bone",      "gestational", "gest",
      "mental",   "corrected", "heart",   "vascular", "biological", "menstrual", "predicted", "ecg"};
  if (at == 0 || words[at].before.find_first_not_of(" \t_-'") != std::string_view::npos) return true;
  const bool possessive = at >= 2 && words[at - 1].text == "s" && !only_blanks(words[at - 1].before);
  const Word& word = words[at - (possessive ? 2 : 1)];
  if (is_one_of(word.text, kOthers)) return false;
  const bool is_value = at >= 2 && words[at - 2].field;  // "Sex: M Age: 45"
  return is_value || is_one_of(word.text, kOwn) || !std::isnan(sex_of(word.text)) ||
         word.text.find_first_of("0123456789") != std::string::npos;
}

// A field's name without whose it is.
std::string_view bare_field(const Word& word) {
  std::string_view name = word.text;
  for (const std::string_view whose : {"patient", "subject"})
    if (name.starts_with(whose)) name.remove_prefix(whose.size());
  return name;
}

// The unit that a field of its own gives for the age: "AgeUnit: months", "Age units: days"; null where none does.
const AgeUnit* stated_unit(const std::vector<Word>& words) {
  constexpr std::array<std::string_view, 9> kUnit = {"unit",  "units", "einheit", "unidad", "unidade",
                                                     "unite", "unita", "eenheid", "enhed"};
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    std::string_view name = bare_field(words[i]);
    const bool joined = name.starts_with("age") && is_one_of(name.substr(3), kUnit);
    const bool apart = (name == "age" || is_one_of(words[i].text, kForeignAges)) && !words[i].field &&
                       i + 2 < words.size() && is_one_of(words[i + 1].text, kUnit);
    const std::size_t last = i + (apart ? 1 : 0);
    if (!(joined || apart) || !words[last].field || words[last + 1].field || !is_own_age(words, i)) continue;
    const AgeUnit* unit = unit_of(words[last + 1].text, true);
    return unit != nullptr ? unit : &kNoUnit;
  }
  return nullptr;
}

// The unit of the age that a field of this name holds: "age", "PatientAge", "Alter:" in `otherwise`, "AgeMonths"; null:
// it holds none.
const AgeUnit* age_field(const std::vector<Word>& words, std::size_t at, const AgeUnit& otherwise) {
  const Word& word = words[at];
  const bool unit_between = at + 1 < words.size() && words[at + 1].field &&
                            words[at + 1].before.find_first_of("([") != std::string_view::npos;  // "Alter (Jahre): 45"
  if ((word.field || unit_between) && is_one_of(word.text, kForeignAges)) return &otherwise;
  std::string_view name = bare_field(word);
  if (!name.starts_with("age")) return nullptr;
  name.remove_prefix(3);
  if (name.empty()) return is_own_age(words, at) ? &otherwise : nullptr;
  if (name.starts_with("in")) name.remove_prefix(2);
  return name.size() > 2 ? unit_of(std::string(name), false) : nullptr;
}

// Whether the word behind a number without unit leaves no doubt that it is in years: it begins something else, or is a
// sex. "m" may be a month, and what is no word of a field a unit that is not known here.
bool is_in_years(double value, const std::vector<Word>& words, std::size_t at) {
  constexpr std::array<std::string_view, 6> kFields = {"height", "weight", "bmi", "race", "old", "dx"};
  if (at >= words.size()) return true;
  const Word& next = words[at];
  if (next.field || !only_blanks(next.before)) return true;
  if (next.text == "m" || next.text == "m.") return value > kMaxMonths;
  return !std::isnan(sex_of(next.text)) || is_sex_word(next.text) || is_one_of(next.text, kFields) ||
         std::isalpha(static_cast<unsigned char>(next.text.front())) == 0;
}

// What follows the word "age": "56", "(months): 5", "in days 12", "at recording: 56", "2 years 3 months". `unit`: what
// that word says. Leaves `at` behind it.
double age_after(const std::vector<Word>& words, std::size_t& at, const AgeUnit& unit) {
  constexpr std::array<std::string_view, 12> kOccasions = {"recording", "ecg",   "acquisition", "examination",
                                                           "exam",      "study", "visit",       "admission",
                                                           "test",      "time",  "scan",        "registration"};
  const AgeUnit* otherwise = &unit;
  bool is_said = &unit != &kYears;
  if (at + 1 < words.size() && words[at].text == "at" && is_one_of(words[at + 1].text, kOccasions)) at += 2;
  if (at < words.size() && words[at].text == "in") ++at;
  if (at < words.size())
    if (const AgeUnit* named = unit_of(words[at].text, false)) {
      otherwise = named;
      is_said = true;
      ++at;
    }
  const auto first = duration_at(words, at, *otherwise);
  if (!first) return kUnknown;
  at += first->words;
  if (!first->has_unit && !is_said) {
    // "2 3/12"
    const auto rest = duration_at(words, at, kYears);
    if (rest && rest->has_unit && words[at].text.find('/') != std::string::npos)
      return known_age(first->years + rest->years);
    return is_in_years(first->years, words, at) ? known_age(first->years) : kUnknown;
  }
  double years = first->years;
  if (first->has_unit)
    if (const auto second = duration_at(words, at, *otherwise, true); second && second->has_unit) {
      years += second->years;
      at += second->words;
    }
  return known_age(years);
}

// "Age: 56", "Sex: F", "Age/Sex: 56/F". `otherwise`: of an age without unit.
void read_fields(const std::vector<Word>& words, const AgeUnit& otherwise, Person& person) {
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (const AgeUnit* unit = age_field(words, i, otherwise); unit != nullptr && std::isnan(person.age)) {
      const bool both = is_sex_word(words[i + 1].text) && words[i + 1].before == "/";
      std::size_t at = i + (both ? 2 : 1);
      person.age = age_after(words, at, *unit);
      if (both && at < words.size() && std::isnan(person.sex)) person.sex = sex_of(words[at].text);
    }
    if (is_sex_word(words[i].text) && std::isnan(person.sex)) person.sex = sex_of(words[i + 1].text);
  }
}

// "a 56-year-old man", "3 months old"
void read_phrases(const std::vector<Word>& words, Person& person) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto duration = duration_at(words, i, kYears);
    if (!duration || !duration->has_unit) continue;
    std::size_t next = i + duration->words;
    const bool within = words[next - 1].text.ends_with("-old");
    const bool behind = next < words.size() && words[next].text == "old";
    if (!within && !behind) continue;
    next += behind ? 1 : 0;
    if (std::isnan(person.age)) person.age = known_age(duration->years);
    if (std::isnan(person.sex) && next < words.size()) person.sex = sex_of(words[next].text);
    return;
  }
}

// The digits of a date: "1951-05-02" and "19510502..." as {1951, 5, 2}, "1951" as {1951, 0, 0}.
std::optional<std::array<int, 3>> date_of(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c >= '0' && c <= '9') digits += c;
    if (digits.size() == 8 || (c != '-' && (c < '0' || c > '9'))) break;
  }
  if (digits.size() != 4 && digits.size() != 6 && digits.size() != 8) return std::nullopt;
  digits.resize(8, '0');
  const int number = std::stoi(digits), year = number / 10000, month = number / 100 % 100, day = number % 100;
  if (year < 1800 || month > 12 || day > 31) return std::nullopt;
  return std::array{year, month, day};
}

}  // namespace

std::string age_comment(std::string_view born, std::string_view recorded) {
  constexpr int kOldest = 110;  // years; dates such as 1900-01-01 stand for an unknown one
  const auto from = date_of(born), to = date_of(recorded);
  if (!from || !to || *to < *from) return {};
  const auto [year, month, day] = *from;
  const bool whole = month > 0 && day > 0 && (*to)[1] > 0 && (*to)[2] > 0;
  const bool before_birthday = whole && std::pair((*to)[1], (*to)[2]) < std::pair(month, day);
  const int years = (*to)[0] - year - (before_birthday ? 1 : 0);
  if (years > kOldest) return {};
  if (years >= 2) return "Age: " + std::to_string(years);
  if (!whole) return {};
  using std::chrono::sys_days;
  const auto days_of = [](const std::array<int, 3>& date) {
    return sys_days(std::chrono::year(date[0]) / date[1] / date[2]);
  };
  return "Age: " + std::to_string((days_of(*to) - days_of(*from)).count()) + " days";
}

Person person_of(const std::vector<std::string>& comments) {
  Person person;
  std::vector<std::vector<Word>> lines;
  const AgeUnit* unit = nullptr;
  for (const std::string& comment : comments) {
    const std::vector<Word>& words = lines.emplace_back(comment_words(comment));
    if (unit == nullptr) unit = stated_unit(words);
  }
  for (const std::vector<Word>& words : lines) {
    read_fields(words, unit != nullptr ? *unit : kYears, person);
    if (words.size() < 2 || !std::isnan(person.age) || !std::isnan(person.sex)) continue;
    const auto first = duration_at(words, 0, kYears);
    if (!first || first->words >= words.size()) continue;
    const double age = known_age(first->years), sex = sex_of(words[first->words].text);
    if (!std::isnan(age) && !std::isnan(sex)) person = {age, sex};
  }
  for (const std::vector<Word>& words : lines) read_phrases(words, person);
  return person;
}

}  // namespace cardiograd::ecg
