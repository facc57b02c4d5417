// evaluate: judges a trained model on folds of a data set and prints the paper's Table 2 for it.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "apps/common/progress.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/threads.h"
#include "engine/device.h"
#include "evaluation/evaluation.h"
#include "model/data_loader.h"
#include "model/model_file.h"
#include "model/preprocessing.h"
#include "report/collect.h"
#include "report/page.h"

namespace cardiograd::apps {
namespace {

struct Options {
  std::string model;
  std::string data;
  std::vector<std::int64_t> folds = {10};
  std::string normalize = "none";
  std::string unlabeled;
  std::string device = "auto";
  std::optional<std::string> json, report, cache;
  std::int64_t draws = 1000;
  std::int64_t seed = 0;
  std::int64_t batch_size = 64;
  std::int64_t threads = 0;
  bool skip_missing = false;
  bool no_cache = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "last.safetensors or best.safetensors of a run")->required();
  app.add_option("--data", o.data, "folder with ptbxl_database.csv, scp_statements.csv and the records")->required();
  app.add_option("--fold", o.folds, "fold or folds to judge on, 10 by default");
  app.add_option("--json", o.json, "also write everything to this file");
  app.add_option("--report", o.report,
                 "also write DIR/report.html: one page with figures, curves and the worst mistakes")
      ->type_name("DIR");
  app.add_option("--normalize", o.normalize, "none (default) or zscore, for data of another unit than the model's");
  app.add_option("--unlabeled", o.unlabeled, "records without a class: drop or keep; as in training by default");
  app.add_flag("--skip-missing", o.skip_missing, "go on when records named in the table are absent");
  app.add_option("--draws", o.draws, "bootstrap draws for the intervals, 1000 by default")
      ->check(CLI::Range(0, 1000000));
  app.add_option("--seed", o.seed, "of the bootstrap, 0 by default")->check(CLI::NonNegativeNumber);
  app.add_option("--batch-size", o.batch_size, "64 by default")->check(CLI::Range(1, 1000000));
  app.add_option("--device", o.device, "auto (default), cpu or cuda");
  app.add_option("--threads", o.threads, "0 (default): all cores; the result does not depend on it")
      ->check(CLI::Range(0, 1024));
  app.add_option("--cache", o.cache, "folder for prepared data, ~/.cache/cardiograd by default");
  app.add_flag("--no-cache", o.no_cache, "prepare the data anew and keep nothing");
}

data::Dataset prepare(const Options& o, const model::ModelDescription& description) {
  model::DataConfig config;
  config.folder = o.data;
  config.task = description.task;
  config.rate = static_cast<std::int64_t>(description.rate);
  config.features = description.feature_set;
  config.filter = description.filter;
  // A model of normalized signals needs them normalized again.
  config.normalize = description.normalize == "zscore" ? description.normalize : o.normalize;
  config.unlabeled = o.unlabeled.empty() ? description.unlabeled : o.unlabeled;
  config.skip_missing = o.skip_missing;
  if (config.normalize != "none" && config.normalize != "zscore")
    throw UsageError(fmt::format("normalize is '{}', expected none, zscore", config.normalize));
  ProgressLine progress;
  model::PrepareOptions options;
  options.use_cache = !o.no_cache;
  if (o.cache) options.cache_folder = *o.cache;
  options.progress = [&progress](std::int64_t done, std::int64_t total) {
    progress.show("reading records", static_cast<double>(done) / static_cast<double>(total), "");
  };
  return prepare_data(config, options);
}

void write_json(const Options& o, std::int64_t epoch, const evaluation::Evaluation& evaluation) {
  nlohmann::json json = to_json(evaluation);
  json["model"] = o.model;
  json["epoch"] = epoch;
  json["data"] = o.data;
  json["folds"] = o.folds;
  write_file(*o.json, json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
}

void evaluate(const Options& o) {
  const Device device = parse_device(o.device);
  set_thread_count(static_cast<int>(o.threads));
  const model::TrainedModel trained = model::load_model(o.model);
  const model::ModelDescription& description = trained.description;
  data::Dataset set = prepare(o, description);
  check_fits(description, set);
  const std::vector<std::int64_t> rows = data::rows_of_folds(set, o.folds);
  for (const std::int64_t fold : o.folds) {
    if (data::rows_of_folds(set, {fold}).empty())
      throw Error(fmt::format("fold {}: no record in {}", fold, o.data),
                  "Give a --fold that the table's column strat_fold has.");
    if (std::find(description.val_folds.begin(), description.val_folds.end(), fold) != description.val_folds.end())
      log_warning("fold {} chose this model's epoch and thresholds: its figures are optimiztic", fold);
  }

  trained.net->to(device);
  log_info("device {}", describe_device(device));
  const model::DataLoader source(model::take_arrays(set, description.feature_scaling), description.signal_scaling,
                                 device);
  const model::Scores scored = score(*trained.net, source, rows, o.batch_size, {});
  const evaluation::Evaluation evaluation =
      evaluation::evaluate(scored.probabilities, data::labels_of(set, rows), description.class_names,
                           description.thresholds, {.draws = o.draws, .seed = static_cast<std::uint64_t>(o.seed)});
  fmt::print("{} after epoch {}, fold {} of {}: {} records\n\n{}", o.model, description.epoch, fmt::join(o.folds, ", "),
             o.data, rows.size(), format_table(evaluation));
  if (o.json) write_json(o, description.epoch, evaluation);
  if (!o.report) return;
  report::write_report(*o.report, report::collect({trained, o.model, set, o.data, source, o.folds, rows,
                                                   scored.probabilities, evaluation, o.batch_size}));
  fmt::print("\nreport: {}\n", (std::filesystem::path(*o.report) / "report.html").string());
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Judges a trained model and prints the paper's Table 2 for it.", "evaluate");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::evaluate(options); });
}
