// The words of an enum, typed once: options, configuration files and model files spell its values with them.
//
// An enum gets its words from a function beside it, found through the argument:
//   enum class Task { kSuper, kSub };
//   constexpr EnumWords<Task, 2> enum_words(Task) {
//     return {{{Task::kSuper, "super", "5 superclasses"}, {Task::kSub, "sub", "23 subclasses"}}};
//   }
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "base/nearest_name.h"

namespace cardiograd {

template <class T>
struct EnumWord {
  T value;
  std::string_view word;
  std::string_view meaning;  // a few words for help texts
};

template <class T, std::size_t N>
using EnumWords = std::array<EnumWord<T>, N>;

// The word of `value`; empty for a number that is none of the enum's values.
template <class T>
constexpr std::string_view word_of(T value) {
  for (const auto& entry : enum_words(T{}))
    if (entry.value == value) return entry.word;
  return {};
}

// The value that `word` names; nothing for any other word.
template <class T>
constexpr std::optional<T> value_of(std::string_view word) {
  for (const auto& entry : enum_words(T{}))
    if (entry.word == word) return entry.value;
  return std::nullopt;
}

// "optimizer is 'adm', expected adam, adamw", with the nearest word as hint.
[[noreturn]] inline void refuse_word(std::string_view what, std::string_view word,
                                     const std::vector<std::string>& known) {
  throw UsageError(fmt::format("{} is '{}', expected {}", what, word, fmt::join(known, ", ")),
                   fmt::format("Nearest: {}.", nearest_name(word, known)));
}

// Throws UsageError naming `what`, the word, the known words and the nearest of them.
template <class T>
T parse_word(std::string_view what, std::string_view word) {
  if (const std::optional<T> value = value_of<T>(word)) return *value;
  std::vector<std::string> known;
  for (const auto& entry : enum_words(T{})) known.emplace_back(entry.word);
  refuse_word(what, word, known);
}

}  // namespace cardiograd
