#include "model/training_config.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <type_traits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/file.h"
#include "base/nearest_name.h"

namespace cardiograd::model {
namespace {

constexpr std::uintmax_t kMaxConfigBytes = 1 << 20;
constexpr const char* kValueHint = "Correct it on the command line or in the configuration file.";

template <class T>
std::string toml_text(const T& value) {
  if constexpr (std::is_same_v<T, double>) {
    // The fewest digits that read back as the same number; TOML tells floats from integers by a point or an exponent.
    const std::string text = fmt::format("{}", value);
    return text.find_first_of(".en") == std::string::npos ? text + ".0" : text;
  }
  std::ostringstream out;
  out << toml::value<T>(value);
  return out.str();
}

[[noreturn]] void refuse(const std::filesystem::path& path, const toml::node& node, const std::string& what,
                         const std::string& hint) {
  throw Error(fmt::format("{}:{}: {}", path.string(), node.source().begin.line, what), hint);
}

template <class T>
constexpr const char* kind_name() {
  if constexpr (std::is_same_v<T, std::string>) return "a text";
  if constexpr (std::is_same_v<T, bool>) return "true or false";
  if constexpr (std::is_same_v<T, std::int64_t>) return "a whole number";
  if constexpr (std::is_same_v<T, double>) return "a number";
  return "a list of whole numbers";
}

template <class T>
bool assign(const toml::node& node, T& value) {
  if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) {
    const toml::array* array = node.as_array();
    if (array == nullptr) return false;
    std::vector<std::int64_t> list;
    for (const toml::node& element : *array) {
      if (!element.is_integer()) return false;
      list.push_back(**element.as_integer());
    }
    value = list;
    return true;
  } else if constexpr (std::is_same_v<T, double>) {
    if (!node.is_number()) return false;
    value = *node.value<double>();
    return true;
  } else {
    const toml::value<T>* typed = node.as<T>();
    if (typed == nullptr) return false;
    value = **typed;
    return true;
  }
}

void read_section(const std::filesystem::path& path, const std::string& section, const toml::table& table,
                  const std::vector<ConfigField>& fields) {
  for (const auto& [key, node] : table) {
    const std::string name = section + "." + std::string(key.str());
    const auto field =
        std::find_if(fields.begin(), fields.end(), [&](const ConfigField& f) { return f.name() == name; });
    if (field == fields.end()) {
      std::vector<std::string> known;
      for (const ConfigField& f : fields) known.push_back(f.name());
      refuse(path, node, fmt::format("unknown key '{}'", name),
             fmt::format("Nearest known key: {}.", nearest_name(name, known)));
    }
    std::visit(
        [&](auto* value) {
          using T = std::remove_pointer_t<decltype(value)>;
          if (!assign(node, *value))
            refuse(path, node, fmt::format("'{}' is not {}", name, kind_name<T>()),
                   fmt::format("The default is {}.", field->text()));
        },
        field->value);
  }
}

void expect_one_of(const char* name, const std::string& value, const std::vector<std::string>& known) {
  if (std::find(known.begin(), known.end(), value) == known.end())
    throw UsageError(fmt::format("{} is '{}', expected {}", name, value, fmt::join(known, ", ")),
                     fmt::format("Nearest: {}.", nearest_name(value, known)));
}

void expect_in(const char* name, double value, double least, double most) {
  if (!(value >= least && value <= most))
    throw UsageError(fmt::format("{} is {}, expected {} to {}", name, value, least, most), kValueHint);
}

// Every value, but for whether there is a data folder.
void check_values(const TrainingConfig& c) {
  expect_one_of("task", c.data.task, {"super", "sub"});
  if (c.data.rate != 100 && c.data.rate != 500)
    throw UsageError(fmt::format("rate is {}, expected 100 or 500 Hz", c.data.rate), kValueHint);
  expect_one_of("features", c.data.features, {"none", "demographics", "all"});
  expect_one_of("filter", c.data.filter, {"butterworth", "none"});
  expect_one_of("normalize", c.data.normalize, {"none", "zscore"});
  expect_one_of("unlabeled", c.data.unlabeled, {"drop", "keep"});
  expect_one_of("optimizer", c.optimizer, {"adam", "adamw"});
  expect_one_of("schedule", c.schedule, {"cosine", "one_cycle", "constant"});
  expect_one_of("thresholds", c.thresholds, {"tuned", "fixed"});
  expect_one_of("device", c.device, {"auto", "cpu", "cuda"});
  expect_in("val_fold", static_cast<double>(c.data.val_fold), 1, 1000);
  expect_in("test_fold", static_cast<double>(c.data.test_fold), 1, 1000);
  expect_in("epochs", static_cast<double>(c.epochs), 1, 1e6);
  expect_in("batch_size", static_cast<double>(c.batch_size), 2, 1e6);
  expect_in("lr", c.lr, 1e-12, 1e6);
  expect_in("weight_decay", c.weight_decay, 0, 1e6);
  expect_in("clip_norm", c.clip_norm, 0, 1e12);
  expect_in("seed", static_cast<double>(c.seed), 0, 9e15);
  expect_in("threads", static_cast<double>(c.threads), 0, 1024);
  HcCnnTnConfig sizes = c.model;
  sizes.samples = kMaxSamples;  // The data will say; what is wrong with any data is said before reading them.
  check(sizes);
}

}  // namespace

std::string ConfigField::text() const {
  return std::visit(
      [](const auto* pointer) -> std::string {
        using T = std::remove_cvref_t<decltype(*pointer)>;
        if constexpr (std::is_same_v<T, std::vector<std::int64_t>>)
          return fmt::format("[{}]", fmt::join(*pointer, ", "));
        else
          return toml_text(*pointer);
      },
      value);
}

std::vector<ConfigField> config_fields(TrainingConfig& c) {
  return {{"data", "folder", &c.data.folder},
          {"data", "task", &c.data.task},
          {"data", "rate", &c.data.rate},
          {"data", "features", &c.data.features},
          {"data", "missing_flags", &c.data.missing_flags},
          {"data", "filter", &c.data.filter},
          {"data", "normalize", &c.data.normalize},
          {"data", "standardize", &c.data.standardize},
          {"data", "unlabeled", &c.data.unlabeled},
          {"data", "skip_missing", &c.data.skip_missing},
          {"data", "val_fold", &c.data.val_fold},
          {"data", "test_fold", &c.data.test_fold},
          {"model", "channels", &c.model.channels},
          {"model", "kernels", &c.model.kernels},
          {"model", "encoder_layers", &c.model.encoder_layers},
          {"model", "heads", &c.model.heads},
          {"model", "feed_forward", &c.model.feed_forward},
          {"model", "encoder_dropout", &c.model.encoder_dropout},
          {"model", "feature_width", &c.model.feature_width},
          {"model", "head_width", &c.model.head_width},
          {"model", "head_dropout", &c.model.head_dropout},
          {"training", "epochs", &c.epochs},
          {"training", "batch_size", &c.batch_size},
          {"training", "drop_last", &c.drop_last},
          {"training", "lr", &c.lr},
          {"training", "optimizer", &c.optimizer},
          {"training", "weight_decay", &c.weight_decay},
          {"training", "schedule", &c.schedule},
          {"training", "clip_norm", &c.clip_norm},
          {"training", "pos_weight", &c.pos_weight},
          {"training", "thresholds", &c.thresholds},
          {"training", "seed", &c.seed},
          {"run", "device", &c.device},
          {"run", "threads", &c.threads}};
}

TrainingConfig read_config(const std::filesystem::path& path) {
  const std::string text = read_file(path, kMaxConfigBytes);
  TrainingConfig config;
  const std::vector<ConfigField> fields = config_fields(config);
  try {
    const toml::table root = toml::parse(text, path.string());
    for (const auto& [section, node] : root) {
      const toml::table* table = node.as_table();
      const bool known = std::any_of(fields.begin(), fields.end(),
                                     [&](const ConfigField& field) { return field.section == section.str(); });
      if (table == nullptr || !known)
        refuse(path, node, fmt::format("unknown section or key '{}'", section.str()),
               "Known sections: [data], [model], [training], [run].");
      read_section(path, std::string(section.str()), *table, fields);
    }
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}:{}: {}", path.string(), error.source().begin.line, error.description()),
                "Expected TOML, as a run's config.toml shows it.");
  }
  try {
    check_values(config);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", path.string(), error.what()), error.hint());
  }
  return config;
}

void write_config(const std::filesystem::path& path, const TrainingConfig& config) {
  TrainingConfig copy = config;
  std::string text = "# A complete training run: train --config with this file repeats it.\n";
  std::string section;
  for (const ConfigField& field : config_fields(copy)) {
    if (field.section != section) text += fmt::format("\n[{}]\n", section = field.section);
    text += fmt::format("{} = {}\n", field.key, field.text());
  }
  write_file(path, text);
}

void check(const TrainingConfig& c) {
  if (c.data.folder.empty()) throw UsageError("no data folder", "Give --data DIR, a folder with ptbxl_database.csv.");
  check_values(c);
}

}  // namespace cardiograd::model
