#include "model/config_field.h"

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/text.h"

namespace cardiograd::model {
namespace {

constexpr const char* kValueHint = "Correct it on the command line or in the configuration file.";

// One lambda per kind of value. They take the pointers as they are: a const one would lose against const auto&.
template <class... Visitors>
struct Overloaded : Visitors... {
  using Visitors::operator()...;
};
template <class... Visitors>
Overloaded(Visitors...) -> Overloaded<Visitors...>;

std::string toml_text(const std::string& text) {
  std::ostringstream out;
  out << toml::value<std::string>(text);
  return out.str();
}

// The fewest digits that read back as the same number; TOML tells floats from integers by a point or an exponent.
std::string toml_text(double value) {
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
}

bool admits(const Range& range, double value) {
  if (!range.choices.empty())
    return std::any_of(range.choices.begin(), range.choices.end(),
                       [value](std::int64_t choice) { return value == static_cast<double>(choice); });
  return value >= range.min && (range.below_max ? value < range.max : value <= range.max);
}

std::string range_text(const Range& range) {
  if (!range.choices.empty()) return fmt::format("{}", fmt::join(range.choices, ", "));
  if (range.max == std::numeric_limits<double>::infinity()) return fmt::format("{} or more", range.min);
  return fmt::format("{} {} {}", range.min, range.below_max ? "or more and less than" : "to", range.max);
}

std::vector<std::string> words_of(const WordReference& reference) {
  std::vector<std::string> words;
  for (const auto& [word, meaning] : reference.words()) words.push_back(word);
  return words;
}

// As a person writes it.
std::string plain_text(const ConfigField& field) {
  return std::visit(
      Overloaded{[](std::string* text) { return *text; }, [](double* number) { return fmt::format("{}", *number); },
                 [](const WordReference& words) { return std::string(words.word()); },
                 [&](const auto&) { return field.text(); }},
      field.value);
}

}  // namespace

std::string ConfigField::old_option() const {
  if (option.empty() || old_key.empty()) return "";
  std::string name = "--" + old_key;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

std::string ConfigField::text() const {
  return std::visit(
      Overloaded{[](std::string* text) { return toml_text(*text); },
                 [](bool* flag) { return std::string(*flag ? "true" : "false"); },
                 [](std::int64_t* number) { return std::to_string(*number); },
                 [](double* number) { return toml_text(*number); },
                 [](std::vector<std::int64_t>* list) { return fmt::format("[{}]", fmt::join(*list, ", ")); },
                 [](const WordReference& words) { return toml_text(std::string(words.word())); }},
      value);
}

std::string ConfigField::allowed() const {
  return std::visit(
      Overloaded{[](std::string*) { return std::string("any text"); }, [](bool*) { return std::string("true, false"); },
                 [this](std::vector<std::int64_t>*) { return "each " + range_text(range); },
                 [](const WordReference& reference) { return fmt::format("{}", fmt::join(words_of(reference), ", ")); },
                 [this](const auto*) { return range_text(range); }},
      value);
}

std::string ConfigField::option_help(const std::string& default_text) const {
  const std::string present = plain_text(*this);
  const std::string is_default =
      default_text.empty() ? (present.empty() ? "" : fmt::format("; default {}", present)) : "; " + default_text;
  if (std::holds_alternative<bool*>(value)) return help;
  if (const auto* reference = std::get_if<WordReference>(&value)) {
    std::vector<std::string> words;
    for (const auto& [word, meaning] : reference->words()) words.push_back(fmt::format("{} ({})", word, meaning));
    return fmt::format("{}: {}{}", help, fmt::join(words, ", "), is_default);
  }
  if (!range.choices.empty()) return fmt::format("{}: {}{}", help, allowed(), is_default);
  return help + is_default;
}

void ConfigField::assign(const ConfigValue& to, std::string_view what) const {
  const auto take = [&](auto* target) {
    const auto* given = std::get_if<std::remove_pointer_t<decltype(target)>>(&to);
    if (given == nullptr) refuse_kind(what);
    *target = *given;
  };
  std::visit(Overloaded{[&](double* number) {
                          if (const auto* whole = std::get_if<std::int64_t>(&to))
                            *number = static_cast<double>(*whole);
                          else
                            take(number);
                        },
                        [&](const WordReference& reference) {
                          const auto* word = std::get_if<std::string>(&to);
                          if (word == nullptr) refuse_kind(what);
                          if (!reference.assign(*word)) refuse_word(what, *word, words_of(reference));
                        },
                        [&](auto* target) { take(target); }},
             value);
}

void ConfigField::refuse_kind(std::string_view what) const {
  const char* kind =
      std::visit(Overloaded{[](bool*) { return "true or false"; }, [](std::int64_t*) { return "a whole number"; },
                            [](double*) { return "a number"; },
                            [](std::vector<std::int64_t>*) { return "a list of whole numbers"; },
                            [](const auto&) { return "a text"; }},
                 value);
  throw UsageError(fmt::format("{} is not {}", what, kind), fmt::format("For example {}.", text()));
}

void ConfigField::check(std::string_view what) const {
  if (const auto* text = std::get_if<std::string*>(&value); text != nullptr && !is_utf8(**text))
    throw UsageError(fmt::format("{} is '{}', which is not UTF-8", what, printable(**text)),
                     "A run's config.toml is a text file: rename the folder, or make a link to it.");
  const bool good =
      std::visit(Overloaded{[this](std::int64_t* number) { return admits(range, static_cast<double>(*number)); },
                            [this](double* number) { return admits(range, *number); },
                            [this](std::vector<std::int64_t>* list) {
                              return std::all_of(list->begin(), list->end(), [this](std::int64_t number) {
                                return admits(range, static_cast<double>(number));
                              });
                            },
                            [](const auto&) { return true; }},
                 value);
  if (!good) throw UsageError(fmt::format("{} is {}, expected {}", what, plain_text(*this), allowed()), kValueHint);
}

void check_fields(const std::vector<ConfigField>& fields) {
  for (const ConfigField& field : fields) field.check(field.key);
}

const ConfigField& field_named(const std::vector<ConfigField>& fields, std::string_view name) {
  const auto found = std::find_if(fields.begin(), fields.end(), [name](const ConfigField& field) {
    return field.key == name || field.name() == name;
  });
  if (found == fields.end()) throw std::logic_error(fmt::format("no field '{}' in this configuration", name));
  return *found;
}

}  // namespace cardiograd::model
