// synthesize: makes 12-lead ECGs from a model of the heart, in PTB-XL's layout (docs/synthetic-ecg.md).
#include <chrono>
#include <cstdint>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/common/app.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "apps/common/progress.h"
#include "apps/common/stop.h"
#include "base/text.h"
#include "base/threads.h"
#include "data/synthetic/dataset.h"

namespace cardiograd::apps {
namespace {

struct Options {
  std::string out;
  std::int64_t records = 0;
  std::uint64_t seed = 0;
  std::string rate = "100";
  std::string task = "super";
  std::int64_t min_per_class = 0;
  std::string noise = "typical";
  std::string truth;
  int threads = 0;
  bool force = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--out", o.out, "folder to make, in PTB-XL's layout")->required();
  app.add_option("--records", o.records, "how many ECGs of ten seconds")->required();
  app.add_option("--seed", o.seed, "equal seeds make equal files; 0 by default")->check(count_from(0));
  app.add_option("--rate", o.rate, "100 (default), 500 or both (Hz)");
  app.add_option("--task", o.task, "whose classes --min-per-class means: super (5, default) or sub (23)");
  app.add_option("--min-per-class", o.min_per_class, "records of each class at least; 0 (default): as PTB-XL has them");
  app.add_option("--noise", o.noise, "none, low, typical (default) or high");
  app.add_option("--truth", o.truth, "CSV file for the true boundaries of every wave");
  app.add_option("--threads", o.threads, "0 (default): all cores; the result does not depend on it");
  app.add_flag("--force", o.force, "replace the synthetic data set in --out");
}

void synthesize(const Options& o) {
  set_thread_count(o.threads);
  data::synthetic::DatasetOptions options;
  options.folder = o.out;
  options.population = {o.records, o.seed, data::task_of(o.task), o.min_per_class};
  options.rates = data::synthetic::rates_of(o.rate);
  options.noise = data::synthetic::noise_level_of(o.noise);
  if (!o.truth.empty()) {
    check_replaced({{"--truth", o.truth}}, {});
    options.truth = o.truth;
  }
  options.force = o.force;
  ProgressLine progress;
  catch_stop_signals("what was made is removed when the ECGs at hand are done");
  options.progress = [&progress](std::int64_t done, std::int64_t total) {
    throw_if_stopped("before all ECGs were made; nothing was written", "Give the same command again.");
    progress.show("making ECGs", static_cast<double>(done) / static_cast<double>(total), "");
  };
  const auto start = std::chrono::steady_clock::now();
  data::synthetic::write_dataset(options);
  progress.clear();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (is_quiet()) return;
  fmt::print("{} synthetic ECGs in {} ({:.1f} s, {:.0f} records/s)\n", o.records, printable(o.out), seconds,
             static_cast<double>(o.records) / seconds);
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Makes synthetic 12-lead ECGs in PTB-XL's layout.", "synthesize");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::synthesize(options); });
}
