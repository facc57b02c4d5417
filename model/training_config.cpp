#include "model/training_config.h"

#include <algorithm>
#include <array>
#include <optional>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/nearest_name.h"
#include "model/toml_depth.h"

namespace cardiograd::model {
namespace {

constexpr std::uintmax_t kMaxConfigBytes = 1 << 20;
constexpr std::array<std::int64_t, 2> kRates = {100, 500};
constexpr double kMaxSeed = 9e15;  // below 2^53

using Fields = std::vector<ConfigField>;

// Appends fields of one section.
class AddField {
 public:
  AddField(Fields& fields, const char* section) : fields_(fields), section_(section) {}
  void operator()(const char* key, ConfigReference value, const char* option, const char* help, Range range = {},
                  const char* old_key = "") const {
    fields_.push_back({.section = section_,
                       .key = key,
                       .value = std::move(value),
                       .help = help,
                       .range = range,
                       .option = option,
                       .old_key = old_key});
  }

 private:
  Fields& fields_;
  const char* section_;
};

void add_data_fields(DataConfig& c, Fields& fields) {
  const AddField add(fields, "data");
  const Range folds = {.min = 1, .max = 1000};
  add("folder", &c.folder, "--data",
      "folder with ptbxl_database.csv, scp_statements.csv and the records; with --labels the folder of the records");
  add("labels", &c.labels, "--labels", "CSV file of your own labels: a column path, and one per class with 0 or 1");
  add("classes", &c.classes, "--classes", "columns of --labels that are classes, by commas; empty: all that can be");
  add("leads", &c.leads, "--leads", "leads of --labels' records, by commas; empty: the twelve standard ones");
  add("task", &c.task, "--task", "classes to predict");
  add("rate", &c.rate, "--rate", "sampling rate of the records, Hz", {.choices = kRates});
  add("features", &c.features, "--features", "hand-crafted features");
  add("missing_flags", &c.missing_flags, "", "one more input per feature: 1 where it was missing");
  add("filter", &c.filter, "--filter", "filter of the signals");
  add("normalize", &c.normalize, "--normalize", "scale of the signals, for data of different units or gains", {},
      "harmonise");
  add("standardize", &c.standardize, "", "bring each lead to mean 0 and SD 1 over the training folds", {},
      "standardise");
  add("standardize_over", &c.standardize_over, "", "of what the mean and the SD are");
  add("unlabeled", &c.unlabeled, "--unlabeled", "records without any class of the task", {}, "unlabelled");
  add("skip_missing", &c.skip_missing, "--skip-missing", "continue when records named in the table are absent");
  add("skip_damaged", &c.skip_damaged, "--skip-damaged", "continue without records that cannot be read");
  add("skip_duplicates", &c.skip_duplicates, "--skip-duplicates",
      "of records with several rows in --labels take the first, and none where they contradict each other");
  add("val_fold", &c.val_fold, "--val-fold", "fold that chooses the epoch and the thresholds", folds);
  add("test_fold", &c.test_fold, "--test-fold", "fold never used in training; all others train", folds);
  add("resample", &c.resample, "--resample", "bring records of --labels to --rate");
  add("seconds", &c.seconds, "--seconds", "length that is taken of each record of --labels, from its beginning",
      {.min = 1, .max = 3600});
  add("fold_seed", &c.fold_seed, "--fold-seed", "seed of the ten folds, where --labels has no column fold",
      {.min = 0, .max = kMaxSeed});
}

void add_model_fields(Architecture& model, Fields& fields) {
  std::vector<std::pair<std::string, std::string>> words;
  for (const ModelKind* kind : known_models()) words.emplace_back(kind->name, kind->meaning);
  const WordReference name(
      &model, [](const void* v) { return std::string_view(static_cast<const Architecture*>(v)->kind().name); },
      [](void* v, std::string_view word) {
        const auto kinds = known_models();
        if (std::none_of(kinds.begin(), kinds.end(), [word](const ModelKind* kind) { return kind->name == word; }))
          return false;
        // The same model keeps its sizes.
        if (auto& model = *static_cast<Architecture*>(v); model.kind().name != word) model = Architecture(word);
        return true;
      },
      words);
  fields.push_back({.section = "model", .key = "name", .value = name, .help = "the model", .option = "--model"});
  for (ConfigField& field : model.fields())
    if (!field.from_data) fields.push_back(std::move(field));
}

void add_training_fields(TrainingConfig& c, Fields& fields) {
  const AddField add(fields, "training");
  add("epochs", &c.epochs, "--epochs", "passes over the training folds", {.min = 1, .max = 1e6});
  add("batch_size", &c.batch_size, "--batch-size", "records per step", {.min = 2, .max = 1e6});
  add("drop_last", &c.drop_last, "", "leave an incomplete last batch out in training");
  add("lr", &c.lr, "--lr", "learning rate", {.min = 1e-12, .max = 1e6});
  add("optimizer", &c.optimizer, "", "rule of the parameter update", {}, "optimiser");
  add("beta2", &c.beta2, "", "Adam's second coefficient, of the mean of squared gradients",
      {.min = 0, .max = 1, .below_max = true});
  add("weight_average", &c.weight_average, "",
      "decay of the moving average of the weights, which is validated and saved instead of them; 0: none",
      {.min = 0, .max = 1, .below_max = true});
  add("weight_decay", &c.weight_decay, "", "decay of the weights in each step", {.min = 0, .max = 1e6});
  add("schedule", &c.schedule, "", "learning rate over time");
  add("cycle_momentum", &c.cycle_momentum, "",
      "with schedule one_cycle: Adam's first coefficient from 0.95 down to 0.85 and back; false: 0.9");
  add("clip_norm", &c.clip_norm, "", "largest norm of the gradient; 0: no clipping", {.min = 0, .max = 1e12});
  add("pos_weight", &c.pos_weight, "", "weight positives in the loss as the paper does; false: all 1", {},
      "class_weights");
  add("crop", &c.crop, "",
      "samples of the stretch of each record, another in each epoch, that training sees; validation and use join the "
      "answers to windows of that length; 0: whole records",
      {.min = 0, .max = kMaxSamples});
  add("window_step", &c.window_step, "",
      "with crop: samples from the beginning of one window to that of the next; 0: half a crop",
      {.min = 0, .max = kMaxSamples});
  add("aggregate", &c.aggregate, "", "with crop: what of the windows' probabilities the record's is");
  const Range fraction = {.min = 0, .max = 1, .below_max = true};
  Augmentation& a = c.augmentation;
  add("mixup", &a.mixup, "",
      "blend each record with another of the batch, in signals, features and labels; the fraction is drawn from "
      "Beta(mixup, mixup) and at most a half; 0: none",
      {.min = 0, .max = 1});
  add("lead_dropout", &a.lead_dropout, "", "probability that a lead of a training record is silent", fraction);
  add("amplitude_sd", &a.amplitude_sd, "", "SD of the logarithm of a random factor of a training record's leads",
      {.min = 0, .max = 2});
  add("time_mask", &a.time_mask, "",
      "longest stretch of a training record that is silent, as a fraction of its samples; its length is uniform",
      fraction);
  add("label_smoothing", &a.label_smoothing, "", "labels of training become label * (1 - this) + this / 2", fraction);
  add("keep", &c.keep, "", "epoch whose model best.safetensors holds");
  add("thresholds", &c.thresholds, "", "probability above which a class is positive");
  add("batch_norm", &c.batch_norm, "",
      "with several processes (docs/scaling.md): what batch norm's statistics are taken over");
  add("precision", &c.precision, "--precision",
      "factors of matrix products; CPUs are faster with bf16 where they have AVX512-BF16");
  add("seed", &c.seed, "--seed", "seed of the initial weights, the shuffles and dropout", {.min = 0, .max = kMaxSeed});
  add("init", &c.init, "--init", "model file or run folder whose weights to begin with; empty: random weights");
  add("init_lr_factor", &c.init_lr_factor, "--init-lr-factor",
      "times the learning rate: that of the weights taken over from --init", {.min = 0, .max = 1});
  add("freeze", &c.freeze, "--freeze", "what of the weights from --init stays as it is");
}

constexpr double kMaxSignalMemory = 1e9;  // MB

void add_run_fields(TrainingConfig& c, Fields& fields) {
  fields.push_back(
      {.section = "run", .key = "device", .value = &c.device, .help = "where the network runs", .option = "--device"});
  fields.push_back({.section = "run",
                    .key = "threads",
                    .value = &c.threads,
                    .help = "threads of the CPU; 0: all cores; the result does not depend on it",
                    .range = {.min = 0, .max = 1024},
                    .option = "--threads"});
  fields.push_back({.section = "run",
                    .key = "signal_memory",
                    .value = &c.data.signal_memory,
                    .help =
                        "MB of signals, in memory at most; larger sets are read from files of the cache as they are "
                        "needed; the result is the same",
                    .range = {.min = 0.001, .max = kMaxSignalMemory},
                    .option = "--signal-memory"});
  fields.push_back({.section = "run",
                    .key = "graph",
                    .value = &c.graph,
                    .help = "steps on the GPU as one graph, recorded once and replayed; the result is the same",
                    .option = "--graph"});
}

// Every value, but for whether there is a data folder.
void check_values(const TrainingConfig& config) {
  TrainingConfig copy = config;
  check_fields(config_fields(copy));
  DataShape shape = copy.model.shape();
  shape.samples = kMaxSamples;  // The data will say; what is wrong with any data is said before reading them.
  copy.model.set_shape(shape);
  copy.model.check();
}

[[noreturn]] void refuse(const std::string& place, const std::string& what, const std::string& hint) {
  throw Error(fmt::format("{}: {}", place, what), hint);
}

std::string place_of(const std::filesystem::path& path, const toml::node& node) {
  return fmt::format("{}:{}", path.string(), node.source().begin.line);
}

// Nothing for a node of a kind that no value of a configuration has.
std::optional<ConfigValue> value_of_node(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return *flag;
  if (const auto whole = node.value_exact<std::int64_t>()) return *whole;
  if (const auto number = node.value_exact<double>()) return *number;
  const toml::array* array = node.as_array();
  if (array == nullptr) return std::nullopt;
  std::vector<std::int64_t> list;
  for (const toml::node& element : *array) {
    const auto whole = element.value_exact<std::int64_t>();
    if (!whole) return std::nullopt;
    list.push_back(*whole);
  }
  return list;
}

// The field of a key, today's or an old one.
const ConfigField& field_of(const std::string& place, const Fields& fields, const std::string& section,
                            std::string_view key, const toml::table& table) {
  const std::string name = fmt::format("{}.{}", section, key);
  for (const ConfigField& field : fields) {
    if (field.section != section) continue;
    if (field.key == key) return field;
    if (field.old_key != key || key.empty()) continue;
    if (table.contains(field.key))
      refuse(place, fmt::format("'{}' is the old word for '{}', which is there too", name, field.name()),
             fmt::format("Delete '{}'.", name));
    log_warning("{}: '{}' is now '{}'; the old word is accepted in this version only", place, name, field.name());
    return field;
  }
  std::vector<std::string> known;
  for (const ConfigField& field : fields) known.push_back(field.name());
  refuse(place, fmt::format("unknown key '{}'", name),
         fmt::format("Nearest known key: {}.", nearest_name(name, known)));
}

void read_section(const std::filesystem::path& path, const std::string& section, const toml::table& table,
                  const Fields& fields) {
  for (const auto& [key, node] : table) {
    const std::string place = place_of(path, node);
    const ConfigField& field = field_of(place, fields, section, key.str(), table);
    const auto value = value_of_node(node);
    const std::string quoted = fmt::format("'{}'", field.name());
    try {
      if (!value) field.refuse_kind(quoted);
      field.assign(*value, quoted);
    } catch (const Error& error) {
      refuse(place, error.what(), error.hint());
    }
  }
}

void read_root(const std::filesystem::path& path, const toml::table& root, TrainingConfig& config) {
  // The model's name decides which other keys [model] has, wherever it stands.
  if (const toml::node* name = root.at_path("model.name").node()) {
    const auto word = name->value_exact<std::string>();
    if (!word) refuse(place_of(path, *name), "'model.name' is not a text", "For example 'hc_cnn_tn'.");
    try {
      if (config.model.kind().name != *word) config.model = Architecture(*word);
    } catch (const Error& error) {
      refuse(place_of(path, *name), error.what(), error.hint());
    }
  }
  const Fields fields = config_fields(config);
  for (const auto& [section, node] : root) {
    const toml::table* table = node.as_table();
    const std::string_view name = section.str();
    const bool known =
        std::any_of(fields.begin(), fields.end(), [name](const auto& field) { return field.section == name; });
    if (table == nullptr || !known)
      refuse(place_of(path, node), fmt::format("unknown section or key '{}'", section.str()),
             "Known sections: [data], [model], [training], [run].");
    read_section(path, std::string(section.str()), *table, fields);
  }
}

}  // namespace

TrainingConfig::TrainingConfig() = default;

std::vector<ConfigField> config_fields(TrainingConfig& config) {
  Fields fields;
  add_data_fields(config.data, fields);
  add_model_fields(config.model, fields);
  add_training_fields(config, fields);
  add_run_fields(config, fields);
  return fields;
}

TrainingConfig parse_config(const std::string& text, const std::string& origin, TrainingConfig base) {
  TrainingConfig config = std::move(base);
  refuse_deep_keys(text, origin);
  try {
    read_root(origin, toml::parse(text, origin), config);
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}:{}: {}", origin, error.source().begin.line, error.description()),
                "Expected TOML, as a run's config.toml shows it.");
  }
  try {
    check_values(config);
  } catch (const Error& error) {
    throw Error(fmt::format("{}: {}", origin, error.what()), error.hint());
  }
  return config;
}

TrainingConfig read_config(const std::filesystem::path& path, TrainingConfig base) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    refuse(path.string(), "is a folder, expected a TOML file",
           std::filesystem::exists(path / "config.toml", ignored)
               ? fmt::format("Give the run's configuration: {}.", (path / "config.toml").string())
               : "Give a file such as a run's config.toml.");
  return parse_config(read_file(path, kMaxConfigBytes), path.string(), std::move(base));
}

std::string config_text(const TrainingConfig& config) {
  TrainingConfig copy = config;
  std::string text = "# A complete training run: train --config with this file repeats it.\n";
  std::string section;
  for (const ConfigField& field : config_fields(copy)) {
    if (field.section != section) text += fmt::format("\n[{}]\n", section = field.section);
    text += fmt::format("{} = {}\n", field.key, field.text());
  }
  return text;
}

void write_config(const std::filesystem::path& path, const TrainingConfig& config) {
  write_file(path, config_text(config));
}

void resolve_labels(TrainingConfig& config) {
  if (config.data.labels.empty()) return;
  config.data.task = data::Task::kOwn;
  config.data.unlabeled = data::Unlabeled::kKeep;
  if (config.data.folder.empty())
    config.data.folder = std::filesystem::absolute(config.data.labels).lexically_normal().parent_path().string();
}

std::vector<std::string> names_of(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= list.size() && !list.empty();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    const std::size_t first = list.find_first_not_of(' ', begin), last = list.find_last_not_of(' ', end - 1);
    const std::string name = end > begin && first < end ? list.substr(first, last - first + 1) : "";
    if (name.empty()) throw UsageError(fmt::format("'{}' has an empty name", list), "Expected names between commas.");
    if (std::find(names.begin(), names.end(), name) != names.end())
      throw UsageError(fmt::format("'{}' names {} twice", list, name), "Each needs to be there once.");
    names.push_back(name);
    begin = end + 1;
  }
  return names;
}

void check(const TrainingConfig& config) {
  if (config.data.folder.empty())
    throw UsageError("no data folder", "Give --data DIR, a folder with ptbxl_database.csv, or --labels FILE.csv.");
  const DataConfig& data = config.data;
  const bool own = data.task == data::Task::kOwn;
  if (own != !data.labels.empty())
    throw UsageError(own ? "--task own without --labels" : "--labels with --task or --unlabeled",
                     "The task of --labels is own, and its records stay whatever their labels are.");
  if (!own && (!data.classes.empty() || !data.leads.empty() || data.resample || data.seconds != 10 ||
               data.fold_seed != 0 || data.skip_duplicates))
    throw UsageError("--classes, --leads, --resample, --seconds, --fold-seed or --skip-duplicates without --labels",
                     "They say how records of --labels are read.");
  if (own && data.unlabeled == data::Unlabeled::kDrop)
    throw UsageError("--unlabeled drop with --labels", "A row of zeros is an answer, and stays.");
  if (config.cycle_momentum && config.schedule != Schedule::kOneCycle)
    throw UsageError(fmt::format("training.cycle_momentum with training.schedule {}", word_of(config.schedule)),
                     "It goes with schedule one_cycle.");
  if (config.window_step > std::max<std::int64_t>(0, config.crop))
    throw UsageError(fmt::format("training.window_step is {}, and training.crop {}: windows would leave samples out",
                                 config.window_step, config.crop),
                     "Give a step of at most a crop, or leave it out: half a crop.");
  if (config.init.empty() && (config.freeze != Freeze::kNone || config.init_lr_factor != 1))
    throw UsageError("--freeze or --init-lr-factor without --init", "They are about the weights of --init.");
  check_values(config);
}

}  // namespace cardiograd::model
