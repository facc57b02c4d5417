// One value of a configuration, with everything that is known about it. Lists of fields are the only place where a
// value's name, range and meaning stand: TOML files, command-line options and their help, model files, checks, the
// report and docs/configuration.md come from them. Defaults stand in the configurations' structs.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/enum_words.h"

namespace cardiograd::model {

// An enum (or whatever else has a word for each of its values) in a configuration, whichever enum it is.
class WordReference {
 public:
  template <class T>
  requires std::is_enum_v<T> WordReference(
      T* value)  // NOLINT(google-explicit-constructor): fields are lists of pointers
      : WordReference(
            value, [](const void* v) { return word_of(*static_cast<const T*>(v)); },
            [](void* v, std::string_view word) {
              const std::optional<T> found = value_of<T>(word);
              if (found) *static_cast<T*>(v) = *found;
              return found.has_value();
            }) {
    for (const auto& entry : enum_words(T{})) words_.emplace_back(entry.word, entry.meaning);
  }
  // `read` gives the word of the value, `write` sets it and returns false for a word that it does not know.
  WordReference(void* value, std::string_view (*read)(const void*), bool (*write)(void*, std::string_view),
                std::vector<std::pair<std::string, std::string>> words = {})
      : value_(value), read_(read), write_(write), words_(std::move(words)) {}

  std::string_view word() const { return read_(value_); }
  // False, and nothing changed, for a word that is none of words().
  bool assign(std::string_view word) const { return write_(value_, word); }
  // Each word with its meaning.
  const std::vector<std::pair<std::string, std::string>>& words() const { return words_; }

 private:
  void* value_;
  std::string_view (*read_)(const void*);
  bool (*write_)(void*, std::string_view);
  std::vector<std::pair<std::string, std::string>> words_;
};

// Where the value is.
using ConfigReference =
    std::variant<std::string*, bool*, std::int64_t*, double*, std::vector<std::int64_t>*, WordReference>;
// The value itself; a word for a WordReference.
using ConfigValue = std::variant<std::string, bool, std::int64_t, double, std::vector<std::int64_t>>;

// What a number, or each number of a list, may be.
struct Range {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool below_max = false;                      // `max` itself is not allowed
  std::span<const std::int64_t> choices = {};  // these alone, when there are any; a constant
};

// One setting: where its value is, what it may be, and what it is called in files and on the command line.
struct ConfigField {
  std::string section;
  std::string key;
  ConfigReference value;
  std::string help;          // one line, without the default and the words
  Range range = {};          // of numbers
  std::string option = {};   // on the command line: "--epochs"; empty: in configuration files alone
  std::string old_key = {};  // what it was called before; accepted for one version, with a warning
  bool from_data = false;    // set from the data set: in model files, not in configuration files
  bool came_later = false;   // of a model: earlier model files lack it, and mean the default

  std::string name() const { return section + "." + key; }
  // "--harmonise" for the old key "harmonise"; empty without an old key or without an option.
  std::string old_option() const;
  // As in TOML.
  std::string text() const;
  // "1 to 1000000", "0 or more", "100, 500", "super, sub", "true, false", or "any text".
  std::string allowed() const;
  // help with the words' meanings and the default, for --help: `default_text` instead of the present value unless
  // empty.
  std::string option_help(const std::string& default_text = "") const;

  // Throws UsageError "`what` is ..., expected ..." for a value of another kind or an unknown word; numbers are taken
  // whatever they are, until check().
  void assign(const ConfigValue& to, std::string_view what) const;
  // The same for a value of a kind that no field has.
  [[noreturn]] void refuse_kind(std::string_view what) const;
  // Throws UsageError naming `what`, its value and allowed() for a number outside its range.
  void check(std::string_view what) const;
};

// check() of every field, under its key.
void check_fields(const std::vector<ConfigField>& fields);

// The field whose key or name is `name`; throws std::logic_error when there is none: for names in the source code.
const ConfigField& field_named(const std::vector<ConfigField>& fields, std::string_view name);

}  // namespace cardiograd::model
