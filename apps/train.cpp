// train: fits a model to a data set in PTB-XL's layout, or to any records with a table of labels, and writes a run
// folder (model/trainer.h says what is in it).
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "apps/common/app.h"
#include "apps/common/check_report.h"
#include "apps/common/completion.h"
#include "apps/common/config_options.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "apps/common/progress.h"
#include "apps/common/stop.h"
#include "base/error.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/log.h"
#include "base/precision_words.h"
#include "base/text.h"
#include "base/threads.h"
#include "engine/cuda.h"
#include "engine/device.h"
#include "engine/gpu_group.h"
#include "engine/mpi/mpi_group.h"
#include "engine/nccl/nccl_group.h"
#include "engine/process_group.h"
#include "kernels/gemm/gemm_cpu.h"
#include "model/config_document.h"
#include "model/initial_weights.h"
#include "model/model_file.h"
#include "model/preprocessing.h"
#include "model/recipe.h"
#include "model/trainer.h"

namespace cardiograd::apps {
namespace {

namespace fs = std::filesystem;
using model::TrainingConfig;

struct Options {
  ConfigOptions values;  // of the configuration
  std::optional<std::string> recipe, config, out, cache;
  bool no_cache = false;
  bool resume = false;
  bool allow_changes = false;
  bool config_help = false;
  double save_every_minutes = model::kSaveEverySeconds / 60;
  std::optional<double> check_tolerance;
  bool auto_batch_size = false;
  double rank_timeout_s = 60;
  std::string given;  // on the command line, a line "name=value" for each option
};

void add_options(CLI::App& app, Options& o) {
  o.values.add_all(app);
  // A word as well as a number.
  const std::string batch_help = app.get_option("--batch-size")->get_description();
  app.remove_option(app.get_option("--batch-size"));
  app.add_option_function<std::string>(
      "--batch-size",
      [&o](const std::string& text) {
        std::int64_t number = 0;
        o.auto_batch_size = text == "auto";
        if (o.auto_batch_size) return;
        if (!CLI::detail::lexical_cast(text, number))
          throw UsageError(fmt::format("--batch-size is '{}', expected a whole number or auto", text));
        o.values.give("training.batch_size", "--batch-size", number);
      },
      batch_help + "; auto: the largest that the GPU's memory admits");
  app.add_option("--config", o.config, "TOML file with any of the values of a run's config.toml; options override it");
  std::string recipes = "values to begin with, before --config and the options:";
  std::vector<std::string> names;
  for (const model::Recipe& recipe : model::known_recipes()) {
    recipes += fmt::format("{} {} ({})", names.empty() ? "" : ",", recipe.name, recipe.meaning);
    names.push_back(recipe.name);
  }
  set_words(app.add_option("--recipe", o.recipe, recipes), std::move(names));
  app.add_flag("--config-help", o.config_help,
               "print every value of a configuration, its range and default, as Markdown");
  app.add_option("--out", o.out, "run folder; default runs/<task>-<time>");
  app.add_flag("--resume", o.resume, "continue the run in --out");
  app.add_flag("--allow-changes", o.allow_changes,
               "with --resume: go on with other values in [training], such as more --epochs");
  app.add_option("--save-every", o.save_every_minutes,
                 fmt::format("minutes between two states to resume from, beside one per epoch; default {}",
                             o.save_every_minutes))
      ->check(number_from_to(0.0, 1e6));
  app.add_option(
         "--check-tolerance", o.check_tolerance,
         fmt::format("with --device check: largest relative difference of a tensor; default {:g} in fp32, {:.2g} "
                     "in tf32, {:.2g} in bf16",
                     check_tolerance(Precision::kFp32), check_tolerance(Precision::kTf32),
                     check_tolerance(Precision::kBf16)))
      ->check(number_from_to(0.0, 1.0));
  app.add_option(
         "--rank-timeout", o.rank_timeout_s,
         fmt::format("of several processes (docs/scaling.md): seconds that they wait for one of them before all "
                     "end; default {:g}",
                     o.rank_timeout_s))
      ->check(number_from_to(1.0, 1e6));
  app.add_option("--cache", o.cache, "folder for prepared data; default ~/.cache/cardiograd");
  app.add_flag("--no-cache", o.no_cache, "prepare the data anew and keep nothing");
}

// A path that was given on the command line, for config.toml; one that is not there is left for its reader to name.
void make_canonical(const Options& o, const char* field, std::string& path) {
  if (!o.values.given(field)) return;
  std::error_code missing;
  const fs::path canonical = fs::canonical(path, missing);
  if (!missing) path = canonical.string();
}

TrainingConfig with_options(TrainingConfig config, const Options& o) {
  o.values.apply(config);
  config.auto_batch_size = o.auto_batch_size;
  make_canonical(o, "data.folder", config.data.folder);
  make_canonical(o, "data.labels", config.data.labels);
  make_canonical(o, "training.init", config.init);
  // What the command line says against it is left for check() to refuse.
  if (o.values.given("data.task") || o.values.given("data.unlabeled")) return config;
  model::resolve_labels(config);
  return config;
}

// A resumed run keeps its configuration: an option that says otherwise is an error, unless it may and shall change.
// Device and threads do not change the result of a run.
void expect_same(TrainingConfig stored, TrainingConfig wanted, bool allow_changes) {
  const auto before = model::config_fields(stored);
  const auto after = model::config_fields(wanted);
  // Fields of different models differ in number, but the model's name comes before them.
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const std::string name = before[i].name();
    if (before[i].section == "run" || before[i].text() == after[i].text()) continue;
    if (allow_changes && model::may_change(name)) continue;
    throw UsageError(
        fmt::format("--resume: {} is {} in the run's config.toml, and {} now", name, before[i].text(), after[i].text()),
        model::may_change(name) ? "Resume without that option, or go on with the new value by --allow-changes."
                                : "Resume without that option, or start another run with another --out.");
  }
}

// The model that --config and the options name.
model::Architecture chosen_model(const Options& o) {
  TrainingConfig config;
  if (o.config) config = model::read_config(*o.config, config);
  o.values.apply(config);
  return config.model;
}

// What --config says, with the values of --recipe where it is silent; or what fits --init; or the defaults.
TrainingConfig given_config(const Options& o) {
  TrainingConfig config;
  if (o.recipe) {
    config.model = chosen_model(o);
    model::recipe_named(*o.recipe).apply(config);
  }
  if (o.config) return model::read_config(*o.config, config);
  if (o.recipe) return config;
  o.values.apply(config);
  if (config.init.empty()) return {};
  return model::config_like(model::load_model(config.init).description);
}

struct Run {
  TrainingConfig config;
  fs::path folder;
  bool resume = false;
};

constexpr const char* kRunFiles[] = {"config.toml", "state.safetensors", "last.safetensors", "best.safetensors",
                                     "log.csv"};

// A new run must not mix its files with those of another.
void expect_no_run(const fs::path& folder) {
  for (const char* name : kRunFiles)
    if (path_exists(folder / name))
      throw Error(fmt::format("{}: a run is there already ({})", folder.string(), name),
                  "Continue it with --resume, or give another --out.");
}

// A run that was killed before it wrote its configuration starts anew if the options of a new run are given; one that
// has lost it goes on by them if its state agrees.
void expect_resumable(const Options& o, const fs::path& folder) {
  if (path_exists(folder / "config.toml")) return;
  if (!o.values.given("data.folder") && !o.values.given("data.labels") && !o.config)
    throw Error(fmt::format("{}: no run to resume: config.toml is missing", folder.string()),
                "Check --out, or give the run's options too.");
  if (!path_exists(folder / "state.safetensors")) expect_no_run(folder);
}

Run choose_run(const Options& o) {
  Run run;
  if (o.resume && !o.out) throw UsageError("--resume without --out", "Say which run: --resume --out runs/NAME.");
  if (o.resume && o.auto_batch_size)
    throw UsageError("--resume with --batch-size auto", "A run keeps the batch size that its config.toml has.");
  if (o.resume && o.recipe) throw UsageError("--resume with --recipe", "A run keeps the values of its config.toml.");
  if (o.recipe && o.values.given("training.init"))
    throw UsageError("--recipe with --init", "What fits --init is not what a recipe says; give the values themselves.");
  if (o.allow_changes && !o.resume) throw UsageError("--allow-changes without --resume", "A new run needs no leave.");
  if (o.out) run.folder = *o.out;
  run.resume = o.resume;
  if (o.resume) expect_resumable(o, run.folder);
  if (const fs::path stored = run.folder / "config.toml"; o.resume && path_exists(stored)) {
    const TrainingConfig config = model::read_config(stored);
    run.config = with_options(o.config ? given_config(o) : config, o);
    expect_same(config, run.config, o.allow_changes);
  } else {
    run.config = with_options(given_config(o), o);
  }
  check(run.config);
  if (o.recipe) check_recipe(model::recipe_named(*o.recipe), run.config);
  if (!o.resume && !run.config.init.empty()) model::expect_beginning(model::load_model(run.config.init), run.config);
  if (!o.out)
    run.folder =
        fmt::format("runs/{}-{:%Y%m%d-%H%M%S}", word_of(run.config.data.task), fmt::localtime(std::time(nullptr)));
  if (!o.resume) expect_no_run(run.folder);
  return run;
}

void create_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error)
    throw Error(fmt::format("{}: cannot be created: {}", folder.string(), error.message()),
                "Give an --out where you may write.");
}

// With `auto` a process may find no GPU where another does.
void expect_equal_devices(ProcessGroup& group, Device device) {
  if (!group.has_others()) return;
  const std::vector<std::string> all = group.gather_texts("the devices", device_name(device));
  for (std::size_t r = 1; r < all.size(); ++r)
    if (all[r] != all[0])
      throw Error(fmt::format("rank {} would train on device {} and rank 0 on {}", r, all[r], all[0]),
                  "Give --device cpu or cuda.");
}

// What rank 0 was given and this text lacks; --cache may be another on each machine.
std::string first_missing(const std::string& has, const std::string& lacks) {
  std::istringstream lines(has);
  for (std::string line; std::getline(lines, line);)
    if (!line.starts_with("cache=") && ("\n" + lacks).find("\n" + line + "\n") == std::string::npos) return line;
  return {};
}

// Options that only some ranks have would be passed over, or, as --resume, lead them apart.
void expect_equal_options(ProcessGroup& group, const std::string& given) {
  const std::vector<std::string> all = group.gather_texts("the options", given);
  for (std::size_t r = 1; r < all.size(); ++r) {
    const std::string missing = first_missing(all[0], all[r]);
    const std::string more = first_missing(all[r], all[0]);
    if (missing.empty() && more.empty()) continue;
    const auto shown = [](const std::string& line) { return line.empty() ? "nothing" : "--" + line; };
    throw UsageError(fmt::format("rank {} was started with other options than rank 0: found {}, expected {}", r,
                                 shown(more), shown(missing)),
                     "Give all processes the same command; --cache alone may differ.");
  }
}

// What rank 0 has chosen: it alone looks into the folder, before it writes there.
Run choose_together(const Options& o, ProcessGroup& group) {
  if (group.has_others()) expect_equal_options(group, o.given);
  Run run;
  if (group.is_first()) {
    run = choose_run(o);
    check_output_folder(run.folder, "--out");
  }
  if (!group.has_others()) return run;
  const std::string text = group.text_of_first("the configuration", config_text(run.config));
  const std::string folder = group.text_of_first("the run folder", run.folder.string());
  if (!group.is_first())
    run = {.config = model::parse_config(text, "the configuration of rank 0"), .folder = folder, .resume = o.resume};
  return run;
}

data::Dataset read_data(const Options& options, const model::DataConfig& config) {
  ProgressLine progress;
  model::PrepareOptions prepare_options;
  prepare_options.use_cache = !options.no_cache;
  if (options.cache) prepare_options.cache_folder = *options.cache;
  prepare_options.progress = [&progress](std::int64_t done, std::int64_t total) {
    throw_if_stopped("before the data were read; nothing was written", "Give the same command again.");
    progress.show("reading records", static_cast<double>(done) / static_cast<double>(total), "");
  };
  return model::prepare_data(config, prepare_options);
}

// What of --init the run begins with.
void print_taken_over(const model::Trainer& trainer) {
  const model::TrainingConfig& config = trainer.config();
  if (is_quiet() || config.init.empty()) return;
  const model::TakenOver& taken = trainer.taken_over();
  fmt::print("from {}: {} of {} tensors taken over{}{}\n", printable(config.init), taken.whole.size(),
             taken.whole.size() + taken.partly.size() + taken.fresh.size(),
             config.freeze == model::Freeze::kNone ? "" : fmt::format("; frozen: {}", word_of(config.freeze)),
             config.init_lr_factor == 1 ? "" : fmt::format("; they learn {:g} times as fast", config.init_lr_factor));
  for (const std::string& note : taken.notes) fmt::print("  {}\n", printable(note));
}

// Of a validation fold in which no class is both present and absent there is no AUC.
std::string auc_text(double macro_auc) {
  return std::isnan(macro_auc) ? "none (no class has both outcomes)" : fmt::format("{:.4f}", macro_auc);
}

void print_epoch(const model::EpochResult& r, std::int64_t epochs) {
  if (is_quiet()) return;
  fmt::print("epoch {:3}/{}  train loss {:.4f}  val loss {:.4f}  val macro AUC {}{}  lr {:.2e}  {:.0f} samples/s\n",
             r.epoch, epochs, r.train_loss, r.val_loss, auc_text(r.val_macro_auc), r.best ? " best" : "     ", r.lr,
             r.samples_per_s);
  if (std::fflush(stdout) != 0)
    throw Error(fmt::format("standard output cannot be written after epoch {}", r.epoch),
                "The run is saved: go on with --resume, and --quiet or another place for its lines.");
}

// Trains with a progress line; false when a signal has ended it.
bool run_epochs(model::Trainer& trainer, std::int64_t epochs, double save_every_minutes) {
  ProgressLine progress;
  const auto on_step = [&](const model::StepProgress& p) {
    const double fraction = static_cast<double>(p.samples) / static_cast<double>(p.samples_per_epoch);
    const double left = static_cast<double>(p.epochs - p.epoch) + 1 - fraction;
    progress.show(fmt::format("epoch {}/{}", p.epoch, p.epochs), fraction,
                  fmt::format("loss {:.4f}  {:.0f} samples/s  {} left", p.loss, p.samples_per_s,
                              duration_text(left * static_cast<double>(p.samples_per_epoch) / p.samples_per_s)));
  };
  const auto on_epoch = [&](const model::EpochResult& r) {
    progress.clear();
    print_epoch(r, epochs);
  };
  return trainer.run({.on_step = on_step, .on_epoch = on_epoch, .stop = stop_requested, .give_up = stop_overdue},
                     60 * save_every_minutes);
}

void print_result(const model::Trainer& trainer, const fs::path& folder) {
  const model::EpochResult* best = nullptr;
  const bool last = trainer.config().keep == model::Keep::kLast;
  for (const model::EpochResult& r : trainer.log())
    if (r.best || last) best = &r;
  if (best == nullptr || is_quiet()) return;
  fmt::print("done: {} validation macro AUC {} in epoch {}; models {} and {}\n", last ? "last" : "best",
             auc_text(best->val_macro_auc), best->epoch, printable((folder / "best.safetensors").string()),
             printable((folder / "last.safetensors").string()));
}

void print_run(model::Trainer& trainer, const ProcessGroup& group, const fs::path& folder) {
  if (is_quiet()) return;
  const auto& shape = trainer.description().architecture.shape();
  fmt::print("{}: {} parameters, {} classes, {} features; device {}, {} threads{}; run folder {}\n",
             trainer.description().architecture.kind().title, trainer.net().parameter_count(), shape.classes,
             shape.features, describe_device(trainer.device()), thread_count(),
             group.has_others() ? fmt::format(" in each of {} processes", group.size()) : "",
             printable(folder.string()));
}

// The run folder with its configuration, and the run's state if it is resumed. Rank 0 writes and keeps the lock.
void begin_run(const Options& options, const Run& run, const ProcessGroup& group, std::optional<FolderLock>& lock,
               model::Trainer& trainer) {
  if (group.is_first()) {
    create_folder(run.folder);
    if (!lock) {
      lock.emplace(run.folder);
      if (!run.resume) expect_no_run(run.folder);
    }
  }
  const bool resumed = run.resume && trainer.resume(options.allow_changes);
  if (group.is_first()) write_config(run.folder / "config.toml", trainer.config());
  if (run.resume)
    log_info("{}", resumed ? fmt::format("resuming after epoch {}", trainer.epochs_done())
                           : "no state yet: the run starts from its beginning");
}

void train(const Options& options, const Launch& launch) {
  if (options.config_help) {
    if (launch.rank == 0) fmt::print("{}", model::configuration_document());
    return;
  }
  // Kept till the end of the process: what fails later ends the others through it.
  static const std::unique_ptr<LaunchedGroup> group =
      join_launched(launch, options.rank_timeout_s, [](const Error& why) {
        report_error(why.what(), why.hint());
        std::_Exit(1);
      });
  speak_as_rank(group->rank(), [](int status) { group->abort(status); });
  catch_stop_signals(
      group->has_others()
          ? "the state is saved when this step is done, if all processes are still there"
          : fmt::format("the state is saved when this step is done, or after {} s without it", kStopPatienceSeconds));
  // A folder that is there is locked before anything in it is looked at.
  std::optional<FolderLock> lock;
  if (group->is_first() && options.out && fs::is_directory(*options.out)) lock.emplace(*options.out);
  group->set_patience(options.rank_timeout_s);
  const Run run = choose_together(options, *group);
  if (group->has_others()) cuda::choose_gpu(launch.place);
  const Device device = device_for(run.config.device);
  expect_equal_devices(*group, device);
  model::check_for_device(run.config, device);
  model::check_for_processes(run.config, group->size(), device);
  const std::unique_ptr<GpuGroup> gpus = group->has_others() && device == Device::kCuda ? join_gpus(*group) : nullptr;
  set_thread_count(static_cast<int>(run.config.threads));
  group->set_patience(0);  // Preparing data may take any time, and one rank longer than another.
  data::Dataset set = read_data(options, run.config.data);
  if (!is_quiet()) fmt::print("{}\n", printable_lines(data::describe(set)));

  model::Trainer trainer(run.config, std::move(set), run.folder, *group, gpus.get());
  group->set_patience(options.rank_timeout_s);
  begin_run(options, run, *group, lock, trainer);
  print_run(trainer, *group, run.folder);
  print_taken_over(trainer);
  if (device == Device::kCpu && kernels::emulates(run.config.precision))
    log_info("--precision {} is emulated on this processor: no faster than fp32", word_of(run.config.precision));
  std::fflush(stdout);
  std::optional<DeviceCheck> check;
  if (run.config.device == model::DeviceChoice::kCheck) check.emplace();
  const bool finished = run_epochs(trainer, run.config.epochs, options.save_every_minutes);
  if (check) {
    fmt::print("{}", check_text(*check));
    expect_within(*check, options.check_tolerance.value_or(check_tolerance(run.config.precision)));
  }
  if (!finished) {
    group->leave();
    throw Stopped(fmt::format("after {} epochs and part of the next; the state is saved", trainer.epochs_done()),
                  fmt::format("Go on with: train --resume --out {}", run.folder.string()));
  }
  group->finish();
  print_result(trainer, run.folder);
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app(
      "Trains a model (HC-CNN-TN by default) on 12-lead ECGs in PTB-XL's layout, or on your own with a table of "
      "labels.",
      "train");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  const cardiograd::Launch launch = cardiograd::launch_of_environment();
  cardiograd::apps::speak_as_rank(launch.rank, {});
  return cardiograd::apps::run(app, argc, argv, [&] {
    options.given = app.config_to_str();
    cardiograd::apps::train(options, launch);
  });
}
