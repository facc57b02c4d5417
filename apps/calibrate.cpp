// calibrate: a copy of a trained model whose probabilities mean what they say.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/common/app.h"
#include "apps/common/config_options.h"
#include "apps/common/model_data.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "base/threads.h"
#include "engine/device.h"
#include "engine/precision.h"
#include "evaluation/calibration.h"
#include "model/calibration.h"
#include "model/training_state.h"

namespace cardiograd::apps {
namespace {

struct Options {
  ConfigOptions values;  // of the data and the run, as in training
  std::string model, out;
  std::vector<std::int64_t> folds;
  std::optional<std::string> cache;
  std::int64_t batch_size = 64;
  bool no_cache = false;
  bool force = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "last.safetensors or best.safetensors of a run, or the run's folder: the best one")
      ->required();
  app.add_option("--out", o.out, "the model file to write")->required();
  o.values.add(app, "data.folder");
  o.values.add(app, "data.labels");
  app.add_option("--fold", o.folds, "fold or folds to calibrate on; default: those that chose the model's epoch")
      ->check(fold_number());
  o.values.add(app, "data.normalize", "as in training by default, or for data of another unit than the model's");
  o.values.add(app, "data.unlabeled", "as in training by default");
  o.values.add(app, "data.skip_missing");
  o.values.add(app, "data.skip_damaged");
  o.values.add(app, "data.skip_duplicates");
  o.values.add(app, "data.resample");
  app.add_option("--batch-size", o.batch_size, fmt::format("records at once; default {}", o.batch_size))
      ->check(count_from_to(1, 1000000));
  o.values.add(app, "run.device");
  o.values.add(app, "run.threads");
  o.values.add(app, "run.signal_memory");
  app.add_option("--cache", o.cache, "folder for prepared data; default ~/.cache/cardiograd");
  app.add_flag("--no-cache", o.no_cache, "prepare the data anew and keep nothing");
  app.add_flag("--force", o.force, "overwrite a file that exists");
}

std::vector<evaluation::Calibration> calibrations(const std::vector<float>& probabilities,
                                                  const std::vector<std::uint8_t>& labels,
                                                  const std::vector<std::string>& names) {
  std::vector<evaluation::Calibration> all;
  const evaluation::Predictions predictions{probabilities, labels, std::ssize(labels) / std::ssize(names),
                                            std::ssize(names), names};
  for (std::int64_t c = 0; c < std::ssize(names); ++c) all.push_back(evaluation::calibration(predictions, c));
  return all;
}

void print_table(const std::vector<model::CalibratedClass>& classes, const std::vector<evaluation::Calibration>& before,
                 const std::vector<evaluation::Calibration>& after) {
  std::size_t width = 5;
  for (const model::CalibratedClass& one : classes) width = std::max(width, one.name.size());
  std::string text =
      fmt::format("{:<{}}  positives    slope   offset    ECE before  after    Brier before  after\n", "class", width);
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const model::CalibratedClass& one = classes[c];
    text += fmt::format("{:<{}}  {:>9}", one.name, width, one.positives);
    if (one.reason.empty())
      text += fmt::format("  {:>7.3f}  {:>7.3f}", one.scaling.slope, one.scaling.offset);
    else
      text += fmt::format("  as it was: {}", one.reason);
    text += fmt::format("    {:>10.4f} {:>6.4f}    {:>12.4f} {:>6.4f}\n", before[c].expected_error,
                        after[c].expected_error, before[c].brier, after[c].brier);
  }
  fmt::print("{}", printable_lines(text));
}

void check_places(const Options& o, const std::string& model_file) {
  if (!o.values.given("data.folder") && !o.values.given("data.labels"))
    throw UsageError("neither --data nor --labels", "Give a folder in PTB-XL's layout, or a table of your own labels.");
  std::optional<std::string> folder;
  if (o.values.given("data.folder")) {
    model::TrainingConfig config;
    o.values.apply(config);
    folder = config.data.folder;
  }
  check_outputs({{"--out", o.out}}, {.files = {model_file}, .records = {}, .folder = folder}, existing_files(o.force));
}

// The folds to calibrate on. Those that trained the model would say that it is surer than it is.
std::vector<std::int64_t> folds_of(const Options& o, const model::ModelDescription& d, const std::string& hash) {
  std::vector<std::int64_t> folds = o.folds.empty() ? d.val_folds : o.folds;
  if (hash != d.data_hash) {
    if (o.folds.empty())
      throw UsageError("these are not the data that the model was trained on, and there is no --fold",
                       "Say which folds of them calibrate it, such as --fold 1 2 3.");
    return folds;
  }
  for (const std::int64_t fold : folds)
    if (std::find(d.train_folds.begin(), d.train_folds.end(), fold) != d.train_folds.end())
      throw UsageError(fmt::format("--fold {}: it trained this model, whose probabilities are too sure there", fold),
                       fmt::format("Take a fold that did not, such as {}.", fmt::join(d.val_folds, " ")));
  return folds;
}

void calibrate(const Options& o) {
  model::TrainingConfig run;
  o.values.apply(run);
  if (run.device == model::DeviceChoice::kCheck)
    throw UsageError("--device check: only train compares the two devices", "Known devices here: auto, cpu, cuda.");
  check_folds(o.folds);
  const Device device = device_for(run.device);
  set_thread_count(static_cast<int>(run.threads));
  check_places(o, model::model_path(o.model).string());
  model::TrainedModel trained = model::load_model(o.model);
  model::ModelDescription& d = trained.description;
  const model::DataConfig config = data_as_trained(o.values, d);
  data::Dataset set = prepare_with_progress(config, !o.no_cache, o.cache);
  model::check_fits(d, set);
  const std::string hash = model::records_hash(set);
  d.calibration_folds = folds_of(o, d, hash);
  d.calibration_hash = hash;
  const std::vector<std::int64_t> rows = data::rows_of_folds(set, d.calibration_folds);
  if (rows.empty())
    throw Error(fmt::format("fold {}: no record in {}", fmt::join(d.calibration_folds, ", "), config.folder),
                "Give a --fold that the table has.");
  const std::vector<std::uint8_t> labels = data::labels_of(set, rows);
  const MatmulPrecision precision(d.precision);
  trained.net->to(device);
  const model::DataLoader loader(model::take_arrays(set, d.feature_scaling, d.crops()), d.signal_scaling, device);
  const auto measured = [&] {
    return calibrations(model::score(*trained.net, loader, rows, o.batch_size, {}).probabilities, labels,
                        d.class_names);
  };
  const std::vector<evaluation::Calibration> before = measured();
  const std::vector<model::CalibratedClass> classes = model::calibrate(trained, loader, rows, o.batch_size);
  const std::vector<evaluation::Calibration> after = measured();
  trained.net->to(Device::kCpu);
  model::save_model(o.out, d, *trained.net, existing_files(o.force));
  fmt::print("fold {}: {} records\n\n", fmt::join(d.calibration_folds, ", "), rows.size());
  print_table(classes, before, after);
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Writes a copy of a trained model whose probabilities mean what they say.", "calibrate");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::calibrate(options); });
}
