#include "model/config_document.h"

#include <vector>

#include <fmt/format.h>

#include "model/training_config.h"

namespace cardiograd::model {
namespace {

constexpr const char* kIntroduction = R"(# Configuration

<!-- Written by `train --config-help > docs/configuration.md`; a test compares them. -->

`train --config FILE.toml` reads any of these values; what is not in the file keeps its default. An option on the command
line overrides the file. Each run writes its complete configuration to `config.toml`, and `train --config` with that file
repeats the run. An unknown key or a value outside its range is an error that names file, line and the nearest known key.
)";

std::string code(const std::string& text) {
  return text.empty() ? "" : "`" + text + "`";
}

std::string meaning(const ConfigField& field) {
  std::string text = field.help;
  if (const auto* reference = std::get_if<WordReference>(&field.value)) {
    const char* separator = ": ";
    for (const auto& [word, words_meaning] : reference->words()) {
      text += fmt::format("{}{} ({})", separator, code(word), words_meaning);
      separator = ", ";
    }
  }
  return text;
}

std::string row(const ConfigField& field) {
  const bool words = std::holds_alternative<WordReference>(field.value);
  return fmt::format("| {} | {} | {} | {} | {} |\n", code(field.key), code(field.text()),
                     words ? "one of the words" : field.allowed(), code(field.option), meaning(field));
}

void add_table(const std::string& heading, const std::vector<ConfigField>& fields, std::string& text) {
  text += fmt::format("\n## {}\n\n| key | default | allowed | option | meaning |\n|---|---|---|---|---|\n", heading);
  for (const ConfigField& field : fields) text += row(field);
}

std::vector<ConfigField> section(const std::vector<ConfigField>& all, const std::string& name) {
  std::vector<ConfigField> some;
  for (const ConfigField& field : all)
    if (field.section == name) some.push_back(field);
  return some;
}

void add_old_words(const std::vector<ConfigField>& fields, std::string& text) {
  text +=
      "\n## Old words\n\nAccepted in this version only, with a warning that names the new word.\n\n"
      "| old key | old option | new key |\n|---|---|---|\n";
  for (const ConfigField& field : fields)
    if (!field.old_key.empty())
      text += fmt::format("| {} | {} | {} |\n", code(field.section + "." + field.old_key), code(field.old_option()),
                          code(field.name()));
}

}  // namespace

std::string configuration_document() {
  TrainingConfig defaults;
  const std::vector<ConfigField> all = config_fields(defaults);
  std::string text = kIntroduction;
  add_table("[data]", section(all, "data"), text);
  for (const ModelKind* kind : known_models()) {
    TrainingConfig config;
    config.model = Architecture(kind->name);
    add_table(fmt::format("[model], {}", kind->title), section(config_fields(config), "model"), text);
  }
  add_table("[training]", section(all, "training"), text);
  add_table("[run]", section(all, "run"), text);
  add_old_words(all, text);
  return text;
}

}  // namespace cardiograd::model
