// Command-line options that come from a configuration's field list. What was given on the command line overrides what
// the configuration says; the rest stays.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "model/training_config.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace cardiograd::apps {

class ConfigOptions {
 public:
  // Adds the option of the field `name` ("data.task"), and its old spelling as one that --help does not list. The
  // default in its help text is the configuration's, or `default_text`.
  CLI::Option* add(CLI::App& app, std::string_view name, const std::string& default_text = "");
  // Adds the options of all fields that have one.
  void add_all(CLI::App& app);

  // As if `option` had been given on the command line with this value of the field `name`.
  void give(std::string_view name, const std::string& option, const model::ConfigValue& value);

  bool given(std::string_view name) const { return given_.contains(name); }
  // Writes what was given into `config`. Throws UsageError naming the option, and what is expected.
  void apply(model::TrainingConfig& config) const;

 private:
  void take(const model::ConfigField& field, const std::string& option, const model::ConfigValue& value);

  struct Given {
    std::string option;
    model::ConfigValue value;
  };
  std::map<std::string, Given, std::less<>> given_;  // by the field's name
};

}  // namespace cardiograd::apps
