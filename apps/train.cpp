// train: fits a model to a data set in PTB-XL's layout and writes a run folder (model/trainer.h says what is in it).
#include <algorithm>
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
#include "apps/common/config_options.h"
#include "apps/common/progress.h"
#include "base/error.h"
#include "base/log.h"
#include "base/threads.h"
#include "engine/device.h"
#include "model/config_document.h"
#include "model/preprocessing.h"
#include "model/trainer.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;
using model::TrainingConfig;

struct Options {
  ConfigOptions values;  // of the configuration
  std::optional<std::string> config, out, cache;
  bool no_cache = false;
  bool resume = false;
  bool config_help = false;
};

void add_options(CLI::App& app, Options& o) {
  o.values.add_all(app);
  app.add_option("--config", o.config, "TOML file with any of the values of a run's config.toml; options override it");
  app.add_flag("--config-help", o.config_help,
               "print every value of a configuration, its range and default, as Markdown");
  app.add_option("--out", o.out, "run folder; default runs/<task>-<time>");
  app.add_flag("--resume", o.resume, "continue the run in --out");
  app.add_option("--cache", o.cache, "folder for prepared data; default ~/.cache/cardiograd");
  app.add_flag("--no-cache", o.no_cache, "prepare the data anew and keep nothing");
}

TrainingConfig with_options(TrainingConfig config, const Options& o) {
  o.values.apply(config);
  if (o.values.given("data.folder")) {
    std::error_code missing;
    const fs::path folder = fs::canonical(config.data.folder, missing);
    if (!missing) config.data.folder = folder.string();  // Otherwise prepare() says that it is not there.
  }
  return config;
}

// A resumed run keeps its configuration: an option that says otherwise is an error. Device and threads do not change
// the result of a run.
void expect_same(TrainingConfig stored, TrainingConfig wanted) {
  const auto before = model::config_fields(stored);
  const auto after = model::config_fields(wanted);
  // Fields of different models differ in number, but the model's name comes before them.
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    if (before[i].section == "run" || before[i].text() == after[i].text()) continue;
    throw UsageError(fmt::format("--resume: {} is {} in the run's config.toml, and {} now", before[i].name(),
                                 before[i].text(), after[i].text()),
                     "Resume without that option, or start another run with another --out.");
  }
}

// What --config says, or the defaults.
TrainingConfig given_config(const Options& o) {
  if (o.config) return model::read_config(*o.config);
  return {};
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
  // A run that was killed before it wrote its configuration starts anew if the options of a new run are given.
  if (o.resume && !run.resume && !o.values.given("data.folder") && !o.config)
    throw Error(fmt::format("{}: no run to resume: config.toml is missing", run.folder.string()),
                "Check --out, or give the run's options too.");
  if (run.resume) {
    const TrainingConfig config = model::read_config(stored);
    run.config = with_options(o.config ? given_config(o) : config, o);
    expect_same(config, run.config);
  } else {
    run.config = with_options(given_config(o), o);
  }
  check(run.config);
  if (!o.out)
    run.folder =
        fmt::format("runs/{}-{:%Y%m%d-%H%M%S}", word_of(run.config.data.task), fmt::localtime(std::time(nullptr)));
  if (!o.resume && fs::exists(run.folder / "config.toml"))
    throw Error(fmt::format("{}: a run is there already", run.folder.string()),
                "Continue it with --resume, or give another --out.");
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
  if (options.config_help) {
    fmt::print("{}", model::configuration_document());
    return;
  }
  const Run run = choose_run(options);
  const Device device = device_for(run.config.device);
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
  fmt::print("{}: {} parameters, {} classes, {} features; device {}, {} threads; run folder {}\n",
             trainer.description().architecture.kind().title, trainer.net().parameter_count(),
             trainer.net().shape().classes, trainer.net().shape().features, describe_device(device), thread_count(),
             run.folder.string());
  std::fflush(stdout);

  double best = 0;
  trainer.run({.on_step =
                   [&](const model::StepProgress& p) {
                     const double fraction = static_cast<double>(p.samples) / static_cast<double>(p.samples_per_epoch);
                     const double left = static_cast<double>(p.epochs - p.epoch) + 1 - fraction;
                     progress.show(
                         fmt::format("epoch {}/{}", p.epoch, p.epochs), fraction,
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
  CLI::App app("Trains a model (HC-CNN-TN by default) on 12-lead ECGs in PTB-XL's layout.", "train");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::train(options); });
}
