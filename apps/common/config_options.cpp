#include "apps/common/config_options.h"

#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/common/completion.h"
#include "base/error.h"
#include "base/log.h"

namespace cardiograd::apps {

using model::ConfigField;
using model::ConfigValue;

CLI::Option* ConfigOptions::add(CLI::App& app, std::string_view name, const std::string& default_text) {
  model::TrainingConfig defaults;
  const ConfigField field = model::field_named(config_fields(defaults), name);
  const auto add_spelling = [&](const std::string& option, const std::string& help) -> CLI::Option* {
    return std::visit(
        [&](const auto& reference) -> CLI::Option* {
          using Reference = std::decay_t<decltype(reference)>;
          if constexpr (std::is_same_v<Reference, bool*>) {
            return app.add_flag_function(
                option, [=, this](std::int64_t) { take(field, option, true); }, help);
          } else if constexpr (std::is_same_v<Reference, model::WordReference>) {
            return app.add_option_function<std::string>(
                option, [=, this](const std::string& word) { take(field, option, word); }, help);
          } else {
            using T = std::remove_pointer_t<Reference>;
            return app.add_option_function<T>(
                option, [=, this](const T& value) { take(field, option, value); }, help);
          }
        },
        field.value);
  };
  CLI::Option* option = add_spelling(field.option, field.option_help(default_text));
  if (const auto* words = std::get_if<model::WordReference>(&field.value)) {
    std::vector<std::string> known;
    for (const auto& [word, meaning] : words->words()) known.push_back(word);
    set_words(option, std::move(known));
  }
  if (const std::string old = field.old_option(); !old.empty())
    add_spelling(old, "")->group("");  // Options without a group are not listed.
  return option;
}

void ConfigOptions::add_all(CLI::App& app) {
  model::TrainingConfig defaults;
  for (const ConfigField& field : config_fields(defaults))
    if (!field.option.empty()) add(app, field.name());
}

void ConfigOptions::give(std::string_view name, const std::string& option, const ConfigValue& value) {
  given_[std::string(name)] = {option, value};
}

void ConfigOptions::take(const ConfigField& field, const std::string& option, const ConfigValue& value) {
  if (const auto before = given_.find(field.name()); before != given_.end() && before->second.option != option)
    throw UsageError(fmt::format("{} and {} say the same", before->second.option, option),
                     fmt::format("Give {} alone.", field.option));
  if (option != field.option)
    log_warning("'{}' is now '{}'; the old word is accepted in this version only", option, field.option);
  given_[field.name()] = {option, value};
}

void ConfigOptions::apply(model::TrainingConfig& config) const {
  // The model first: it decides which fields there are.
  if (const auto model = given_.find("model.name"); model != given_.end())
    model::field_named(config_fields(config), model->first).assign(model->second.value, model->second.option);
  const auto fields = config_fields(config);
  for (const auto& [name, given] : given_) {
    const ConfigField& field = model::field_named(fields, name);
    if (name != "model.name") field.assign(given.value, given.option);
    field.check(given.option);
  }
}

}  // namespace cardiograd::apps
