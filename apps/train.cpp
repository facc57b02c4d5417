// train: fits HC-CNN-TN to a data set in PTB-XL's layout and writes a run folder (model/trainer.h says what is in it).
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "apps/common/app.h"
#include "apps/common/progress.h"
#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"
#include "engine/device.h"
#include "model/preprocessing.h"
#include "model/trainer.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;
using model::TrainingConfig;

// What the command line says; only what was given overrides the configuration file.
struct Options {
  std::optional<std::string> config, data, task, features, filter, normalize, unlabeled, device, out, cache;
  std::optional<std::int64_t> rate, epochs, batch_size, seed, val_fold, test_fold, threads;
  std::optional<double> lr;
  bool skip_missing = false;
  bool no_cache = false;
  bool resume = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--data", o.data, "folder with ptbxl_database.csv, scp_statements.csv and the records");
  app.add_option("--task", o.task, "super (5 classes, default) or sub (23)");
  app.add_option("--features", o.features, "none, demographics (age, sex) or all (default)");
  app.add_option("--filter", o.filter, "butterworth (0.5-45 Hz, order 4, zero phase; default) or none");
  app.add_option("--normalize", o.normalize, "none (default) or zscore (0.5-40 Hz, per record and lead)");
  app.add_option("--unlabeled", o.unlabeled, "records without a class: drop (default) or keep");
  app.add_option("--rate", o.rate, "100 (default) or 500 Hz");
  app.add_flag("--skip-missing", o.skip_missing, "go on when records named in the table are absent");
  app.add_option("--epochs", o.epochs, "15 by default");
  app.add_option("--batch-size", o.batch_size, "64 by default");
  app.add_option("--lr", o.lr, "learning rate, 3e-4 by default");
  app.add_option("--seed", o.seed, "0 by default");
  app.add_option("--val-fold", o.val_fold, "9 by default");
  app.add_option("--test-fold", o.test_fold, "10 by default; never used in training");
  app.add_option("--config", o.config, "TOML file with any of the values of a run's config.toml");
  app.add_option("--device", o.device, "auto (default), cpu or cuda");
  app.add_option("--threads", o.threads, "0 (default): all cores; the result does not depend on it");
  app.add_option("--out", o.out, "run folder, runs/<task>-<time> by default");
  app.add_flag("--resume", o.resume, "go on with the run in --out");
  app.add_option("--cache", o.cache, "folder for prepared data, ~/.cache/cardiograd by default");
  app.add_flag("--no-cache", o.no_cache, "prepare the data anew and keep nothing");
}

template <class T>
void override_with(T& value, const std::optional<T>& given) {
  if (given) value = *given;
}

TrainingConfig with_options(TrainingConfig config, const Options& o) {
  override_with(config.data.task, o.task);
  override_with(config.data.features, o.features);
  override_with(config.data.filter, o.filter);
  override_with(config.data.normalize, o.normalize);
  override_with(config.data.unlabeled, o.unlabeled);
  override_with(config.data.rate, o.rate);
  override_with(config.data.val_fold, o.val_fold);
  override_with(config.data.test_fold, o.test_fold);
  override_with(config.epochs, o.epochs);
  override_with(config.batch_size, o.batch_size);
  override_with(config.lr, o.lr);
  override_with(config.seed, o.seed);
  override_with(config.device, o.device);
  override_with(config.threads, o.threads);
  if (o.skip_missing) config.data.skip_missing = true;
  if (o.data) {
    std::error_code missing;
    const fs::path folder = fs::canonical(*o.data, missing);
    config.data.folder = missing ? *o.data : folder.string();  // prepare() says that it is not there.
  }
  return config;
}

// A resumed run keeps its configuration: an option that says otherwise is an error. Device and threads do not change
// the result of a run.
void expect_same(TrainingConfig stored, TrainingConfig wanted) {
  const auto before = model::config_fields(stored);
  const auto after = model::config_fields(wanted);
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].section == "run" || before[i].text() == after[i].text()) continue;
    throw UsageError(fmt::format("--resume: {} is {} in the run's config.toml, and {} now", before[i].name(),
                                 before[i].text(), after[i].text()),
                     "Resume without that option, or start another run with another --out.");
  }
}

struct Run {
  TrainingConfig config;
  fs::path folder;
  bool resume = false;
};

Run choose_run(const Options& o) {
  Run run;
  if (o.resume && !o.out) throw UsageError("--resume without --out", "Say which run: --resume --out runs/NAME.");
  if (o.out) run.folder = *o.out;
  const fs::path stored = run.folder / "config.toml";
  run.resume = o.resume && fs::exists(stored);
  // With the options of a new run at hand, one that was killed before it wrote its configuration starts anew.
  if (o.resume && !run.resume && !o.data && !o.config)
    throw Error(fmt::format("{}: no run to resume: config.toml is missing", run.folder.string()),
                "Check --out, or give the run's options too.");
  if (run.resume) {
    const TrainingConfig config = model::read_config(stored);
    run.config = with_options(o.config ? model::read_config(*o.config) : config, o);
    expect_same(config, run.config);
  } else {
    run.config = with_options(o.config ? model::read_config(*o.config) : TrainingConfig{}, o);
  }
  check(run.config);
  if (!o.out)
    run.folder = fmt::format("runs/{}-{:%Y%m%d-%H%M%S}", run.config.data.task, fmt::localtime(std::time(nullptr)));
  if (!o.resume && fs::exists(run.folder / "config.toml"))
    throw Error(fmt::format("{}: a run is there already", run.folder.string()),
                "Go on with it by --resume, or give another --out.");
  return run;
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error(fmt::format("{}: cannot be created: {}", folder.string(), error.message()),
                "Give an --out where you may write.");
}

void train(const Options& options) {
  const Run run = choose_run(options);
  const Device device = parse_device(run.config.device);
  set_thread_count(static_cast<int>(run.config.threads));

  ProgressLine progress;
  model::PrepareOptions prepare_options;
  prepare_options.use_cache = !options.no_cache;
  if (options.cache) prepare_options.cache_folder = *options.cache;
  prepare_options.progress = [&progress](std::int64_t done, std::int64_t total) {
    progress.show("reading records", static_cast<double>(done) / static_cast<double>(total), "");
  };
  data::Dataset set = model::prepare_data(run.config.data, prepare_options);
  progress.clear();
  fmt::print("{}\n", data::describe(set));

  model::Trainer trainer(run.config, std::move(set), run.folder);
  create_folder(run.folder);
  write_config(run.folder / "config.toml", run.config);
  if (run.resume && trainer.resume()) log_info("resuming after epoch {}", trainer.epochs_done());
  fmt::print("HC-CNN-TN: {} parameters, {} classes, {} features; device {}, {} threads; run folder {}\n",
             trainer.net().parameter_count(), trainer.description().sizes.classes, trainer.description().sizes.features,
             describe_device(device), thread_count(), run.folder.string());
  std::fflush(stdout);

  double best = 0;
  trainer.run({.on_step =
                   [&](const model::StepProgress& p) {
                     const double share = static_cast<double>(p.samples) / static_cast<double>(p.samples_per_epoch);
                     const double left = static_cast<double>(p.epochs - p.epoch) + 1 - share;
                     progress.show(
                         fmt::format("epoch {}/{}", p.epoch, p.epochs), share,
                         fmt::format("loss {:.4f}  {:.0f} samples/s  {} left", p.loss, p.samples_per_s,
                                     duration_text(left * static_cast<double>(p.samples_per_epoch) / p.samples_per_s)));
                   },
               .on_epoch =
                   [&](const model::EpochResult& r) {
                     progress.clear();
                     fmt::print(
                         "epoch {:3}/{}  train loss {:.4f}  val loss {:.4f}  val macro AUC {:.4f}{}  lr {:.2e}  "
                         "{:.0f} samples/s\n",
                         r.epoch, run.config.epochs, r.train_loss, r.val_loss, r.val_macro_auc,
                         r.best ? " best" : "     ", r.lr, r.samples_per_s);
                     std::fflush(stdout);
                   }});
  std::int64_t best_epoch = 0;
  for (const model::EpochResult& r : trainer.log()) {
    if (!r.best) continue;
    best = r.val_macro_auc;
    best_epoch = r.epoch;
  }
  fmt::print("done: best validation macro AUC {:.4f} in epoch {}; models {} and {}\n", best, best_epoch,
             (run.folder / "best.safetensors").string(), (run.folder / "last.safetensors").string());
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Trains HC-CNN-TN on 12-lead ECGs in PTB-XL's layout.", "train");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::train(options); });
}
