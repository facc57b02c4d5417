// compare: several trained runs on the same records, with differences record by record.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "apps/common/config_options.h"
#include "apps/common/model_data.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "apps/common/version.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "engine/precision.h"
#include "model/data_loader.h"
#include "model/known_folds.h"
#include "model/model_file.h"
#include "model/preprocessing.h"
#include "model/training_log.h"
#include "report/comparison.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;

struct Options {
  ConfigOptions values;
  std::vector<std::string> runs;
  std::optional<std::string> out, json, cache;
  std::vector<std::int64_t> folds = {10};
  evaluation::BootstrapSettings bootstrap;
  std::int64_t batch_size = 64;
  bool no_cache = false;
  bool force = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("RUN", o.runs, "run folders (their best model), or model files; differences are to the first")
      ->required();
  o.values.add(app, "data.folder", "the folder that the first run was trained on");
  o.values.add(app, "data.labels", "of runs of one's own labels: the table that the first run was trained on");
  app.add_option("--fold", o.folds, "fold or folds to compare on; default 10");
  app.add_option("--out", o.out, "page to write: one HTML file that needs nothing beside itself");
  app.add_option("--json", o.json, "also write all figures to this file");
  app.add_option("--draws", o.bootstrap.draws,
                 fmt::format("bootstrap draws for the intervals; default {}", o.bootstrap.draws))
      ->check(count_from_to(0, 1000000));
  app.add_option("--seed", o.bootstrap.seed, fmt::format("of the bootstrap; default {}", o.bootstrap.seed))
      ->check(count_from(0));
  app.add_option("--batch-size", o.batch_size, fmt::format("records at once; default {}", o.batch_size))
      ->check(count_from_to(1, 1000000));
  app.add_flag("--force", o.force, "overwrite files that exist");
  o.values.add(app, "run.device");
  o.values.add(app, "run.threads");
  o.values.add(app, "run.signal_memory");
  app.add_option("--cache", o.cache, "folder for prepared data; default ~/.cache/cardiograd");
  app.add_flag("--no-cache", o.no_cache, "prepare the data anew and keep nothing");
}

// What one run says about the records.
struct Scored {
  report::ComparedRun run;
  std::vector<std::int64_t> ecg_ids;
  std::vector<std::uint8_t> labels;
  std::vector<float> probabilities;
};

// Its configuration and its log, where they lie beside the model.
void add_run_files(const fs::path& folder, report::ComparedRun& run) {
  if (path_exists(folder / "config.toml")) {
    model::TrainingConfig config = model::read_config(folder / "config.toml");
    for (const model::ConfigField& field : model::config_fields(config))
      if (field.section != "run") run.values.emplace_back(field.name(), field.text());
  }
  if (path_exists(folder / "log.csv")) run.log = model::read_training_log(folder / "log.csv");
}

Scored score_run(const Options& o, const model::TrainedModel& trained, const std::string& path, const std::string& name,
                 const model::DataConfig& data, Device device) {
  const model::ModelDescription& d = trained.description;
  model::DataConfig config = model::data_config_of(d);
  config.folder = data.folder;
  config.labels = data.labels;
  config.resample = data.resample;
  config.skip_missing = data.skip_missing;
  config.skip_damaged = data.skip_damaged;
  config.skip_duplicates = data.skip_duplicates;
  config.signal_memory = data.signal_memory;
  data::Dataset set = prepare_with_progress(config, !o.no_cache, o.cache);
  model::check_fits(d, set);
  const std::vector<std::int64_t> rows = data::rows_of_folds(set, o.folds);
  if (rows.empty())
    throw Error(fmt::format("fold {}: no record in {}", fmt::join(o.folds, ", "), data.folder),
                "Give a --fold that the table has.");
  Scored scored;
  scored.run.name = name;
  scored.run.known_folds = model::known_folds(d, set, o.folds);
  model::warn_of_known_folds(scored.run.known_folds, name);
  for (const std::int64_t row : rows) scored.ecg_ids.push_back(set.ecg_ids[static_cast<std::size_t>(row)]);
  scored.labels = data::labels_of(set, rows);
  trained.net->to(device);
  const MatmulPrecision precision(d.precision);
  const model::DataLoader loader(model::take_arrays(set, d.feature_scaling, d.crops()), d.signal_scaling, device);
  scored.probabilities = model::score(*trained.net, loader, rows, o.batch_size, {}).probabilities;
  scored.run.epoch = d.epoch;
  scored.run.parameters = trained.net->parameter_count();
  scored.run.synthetic = d.synthetic;
  scored.run.synthetic_start = d.synthetic_start;
  scored.run.evaluation =
      evaluation::evaluate(scored.probabilities, scored.labels, d.class_names, d.thresholds, o.bootstrap);
  add_run_files(model::model_path(path).parent_path(), scored.run);
  return scored;
}

// All of one task. Looked at before any records are read: what reads them would complain of a class that they lack.
std::vector<model::TrainedModel> load_models(const std::vector<std::string>& paths) {
  std::vector<model::TrainedModel> models;
  for (const std::string& path : paths) {
    models.push_back(model::load_model(path));
    const auto &classes = models.back().description.class_names, &first = models.front().description.class_names;
    if (classes != first || models.back().description.task != models.front().description.task)
      throw Error(fmt::format("{} has the classes {}, and {} has {}", path, fmt::join(classes, " "), paths.front(),
                              fmt::join(first, " ")),
                  "Compare runs of one task.");
  }
  return models;
}

void expect_same_records(const Scored& first, const Scored& other, const std::string& first_path,
                         const std::string& path) {
  if (first.ecg_ids != other.ecg_ids || first.labels != other.labels)
    throw Error(
        fmt::format("{} is judged on {} records, and {} on {}, and they are not the same", path, other.ecg_ids.size(),
                    first_path, first.ecg_ids.size()),
        "Compare runs that treat records without a class alike (--unlabeled), and whose folds were drawn with one "
        "--fold-seed.");
}

// Where the data are: --data and --labels, or what the first run's configuration says.
model::DataConfig data_of(const Options& o) {
  model::TrainingConfig config;
  const bool folder = o.values.given("data.folder"), labels = o.values.given("data.labels");
  const fs::path stored = model::model_path(o.runs.front()).parent_path() / "config.toml";
  if (path_exists(stored)) {
    model::DataConfig before = model::read_config(stored).data;
    if (!folder && !labels) return before;
    if (!labels) config.data.labels = before.labels;
  } else if (!folder && !labels) {
    throw UsageError(fmt::format("which data? There is no config.toml beside {}", o.runs.front()),
                     "Give --data DIR, or --labels FILE.csv for a table of your own labels.");
  }
  o.values.apply(config);
  model::resolve_labels(config);
  return config.data;
}

// Own labels need their table, and models of PTB-XL's classes its folder.
void check_data(const model::DataConfig& data, const model::TrainedModel& first, const std::string& path) {
  const bool own = first.description.task == data::Task::kOwn;
  if (own && data.labels.empty())
    throw UsageError(fmt::format("{} was trained on a table of labels, and there is no --labels", path),
                     fmt::format("Give a table with its classes: {}.", fmt::join(first.description.class_names, ",")));
  if (!own && !data.labels.empty())
    throw UsageError(fmt::format("--labels, and {} has classes of PTB-XL", path),
                     "Give --data, a folder in PTB-XL's layout, alone.");
}

void check_options(const Options& o) {
  if (o.runs.size() < 2 || o.runs.size() > report::kMaxRuns)
    throw UsageError(fmt::format("{} runs, expected 2 to {}", o.runs.size(), report::kMaxRuns), "Name the runs.");
  Inputs inputs;
  for (const std::string& run : o.runs) {
    const fs::path file = model::model_path(run);
    for (const char* name : {"config.toml", "log.csv", "state.safetensors", "last.safetensors"})
      inputs.files.push_back((file.parent_path() / name).string());
    inputs.files.push_back(file.string());
  }
  inputs.folder = data_of(o).folder;
  check_outputs({{"--out", o.out}, {"--json", o.json}}, inputs, existing_files(o.force));
}

void compare(const Options& o) {
  model::TrainingConfig run_options;
  o.values.apply(run_options);
  if (run_options.device == model::DeviceChoice::kCheck)
    throw UsageError("--device check: only train compares the two devices", "Known devices here: auto, cpu, cuda.");
  check_options(o);
  const Device device = device_for(run_options.device);
  set_thread_count(static_cast<int>(run_options.threads));
  const std::vector<model::TrainedModel> models = load_models(o.runs);
  report::Comparison comparison;
  const model::DataConfig data = data_of(o);
  check_data(data, models.front(), o.runs.front());
  comparison.task = models.front().description.task;
  comparison.data_folder = data.folder;
  comparison.folds = o.folds;
  comparison.date = date_now();
  comparison.program = made_by();
  const std::vector<std::string> names = report::short_names(o.runs);
  std::optional<Scored> first;
  for (std::size_t i = 0; i < o.runs.size(); ++i) {
    Scored scored = score_run(o, models[i], o.runs[i], names[i], data, device);
    if (!first) first = scored;
    expect_same_records(*first, scored, o.runs.front(), o.runs[i]);
    const auto& classes = scored.run.evaluation.class_names;
    const auto view = [&](const Scored& one) {
      return evaluation::Predictions{one.probabilities, one.labels, static_cast<std::int64_t>(one.ecg_ids.size()),
                                     static_cast<std::int64_t>(classes.size()), classes};
    };
    scored.run.difference = evaluation::bootstrap_difference(view(scored), view(*first), o.bootstrap);
    comparison.runs.push_back(std::move(scored.run));
  }
  fmt::print("{}", printable_lines(report::comparison_text(comparison)));
  if (o.json)
    write_file(*o.json,
               report::comparison_json(comparison).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
               existing_files(o.force));
  if (!o.out) return;
  write_file(*o.out, report::render_comparison(comparison), existing_files(o.force));
  if (!is_quiet()) fmt::print("\npage: {}\n", printable(*o.out));
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Compares trained runs on the same records.", "compare");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::compare(options); });
}
