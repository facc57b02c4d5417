// The desk of a kernel author: checks operations of the table against their double references, then times them against
// other libraries.
//
//   kernel --op conv1d_forward                              the shapes of the training step, on this processor
//   kernel --op conv1d_forward --shape batch=1,kernel=41 --variant all --device cuda
//   kernel --op all --sweep --json FILE                     every operation at every declared shape (desk/sweeps.cpp)
//   kernel --opponents                                      which other libraries this build has
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "apps/common/app.h"
#include "apps/common/version.h"
#include "base/enum_words.h"
#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "bench/desk/desk.h"
#include "bench/desk/sweeps.h"
#include "bench/desk/waiting.h"
#include "kernels/op_choice.h"

namespace cardiograd::bench {
namespace {

struct Options {
  std::string op;
  std::string shape = "all";
  std::string variant = "all";
  std::string device = "cpu";
  std::string precision = "fp32";
  std::string temperature = "both";
  std::string json;
  int threads = 0;
  double seconds = 3;
  bool sweep = false;
  bool alone = false;
  bool list_opponents = false;
};

// OpenBLAS chooses its kernels by these when it is loaded, before main: a choice made for another purpose would be
// measured.
void forget_openblas_settings(char** argv) {
  bool set = false;
  for (const char* name : {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "OPENBLAS_VERBOSE"}) {
    set = set || std::getenv(name) != nullptr;
    unsetenv(name);
  }
  if (set) execv("/proc/self/exe", argv);  // Returns only where it fails; then the setting is measured.
}

void print_opponents() {
  for (const Library& library : opponent_libraries())
    fmt::print("{:<15} {:<5} {}\n", library.name, word_of(library.device),
               library.version.empty() ? "missing: " + library.missing : library.version);
}

std::vector<Temperature> temperatures(const std::string& word) {
  if (word == "both") return {Temperature::kHot, Temperature::kCold};
  if (word == "hot") return {Temperature::kHot};
  if (word == "cold") return {Temperature::kCold};
  refuse_word("--temperature", word, {"hot", "cold", "both"});
}

DeskOptions desk_options(const Options& o) {
  DeskOptions options;
  options.precision = parse_word<Precision>("--precision", o.precision);
  options.variant = o.variant;
  options.opponents = !o.alone;
  options.temperatures = temperatures(o.temperature);
  options.timing.max_seconds = o.seconds;
  options.timing.round_seconds = std::min(0.02, o.seconds / 10);
  if (o.sweep || o.op == "all") options.max_check_flop = 2e8;
  return options;
}

// Measures all that was asked for; throws Error where one of our kernels failed its check.
void measure(const Options& o, const std::string& command) {
  if (o.seconds <= 0) throw UsageError(fmt::format("--seconds {}", o.seconds), "a time above 0");
  const DeskOptions options = desk_options(o);
  const auto device = parse_word<Device>("--device", o.device);
  const std::vector<kernels::Op> ops = kernels::choose_ops(o.op);
  if (o.threads > 0) set_thread_count(o.threads);
  const auto machine = open_machine(device);
  Context context = {.commit = apps::commit(),
                     .command = command,
                     .cpu = cpu_name(),
                     .gpu = machine->gpu(),
                     .driver = machine->driver(),
                     .clocks = machine->clocks(),
                     .device = device,
                     .precision = options.precision,
                     .threads = thread_count(),
                     .roof = {}};
  std::vector<Row> rows;
  std::vector<std::string> failures;
  bool roof_printed = false;
  for (const kernels::Op& op : ops) {
    std::vector<kernels::OpCase> cases = o.sweep ? sweep_cases(op) : kernels::choose_cases(op, o.shape);
    for (kernels::OpCase& work : cases) {
      const bool fp32_only = ops.size() > 1 && !with_precision(work, options.precision);
      if (!fp32_only) work = in_precision(op, work, options.precision);
      kernels::choose_variants(op, work, o.variant, machine->implementation());  // refuses unknown ones
      if (!roof_printed && machine->clock() != nullptr) {
        context.roof = machine->measure_roof(options.precision);
        fmt::print("{}, {} threads; roof: {:.0f} GFLOP/s, {:.1f} GB/s (read + written)\n",
                   context.gpu.empty() ? context.cpu : context.gpu, context.threads, context.roof.flop_per_s / 1e9,
                   context.roof.bytes_per_s / 1e9);
      }
      roof_printed = true;
      const std::vector<Row> measured = measure_case(*machine, context.roof, op, work, options);
      fmt::print("{}", results_table(measured, context.roof));
      std::fflush(stdout);
      for (const Row& row : measured)
        if (failed(row)) failures.push_back(row.op + " at " + row.shape + ", " + row.variant);
      rows.insert(rows.end(), measured.begin(), measured.end());
    }
    if (!o.json.empty()) write_file(o.json, results_json(context, rows));
  }
  if (!failures.empty())
    throw Error(fmt::format("{} failed: {}", failures.size() == 1 ? "a check" : "checks", fmt::join(failures, "; ")),
                "what fails its check is not timed");
}

}  // namespace
}  // namespace cardiograd::bench

int main(int argc, char** argv) {
  cardiograd::bench::forget_openblas_settings(argv);
  cardiograd::bench::restart_with_short_waits(argv);
  CLI::App app("Checks operations against their double references and times them against other libraries.", "kernel");
  cardiograd::bench::Options options;
  app.add_option("--op", options.op, "operation of the table (conv1d_forward), or all");
  app.add_option("--shape", options.shape,
                 "all shapes of the training step (default), the number of one, its text, or field=size pairs that "
                 "change all of them: batch=1,time=250");
  app.add_flag("--sweep", options.sweep,
               "the shapes of the training step and those declared for the operation instead");
  app.add_option("--variant", options.variant, "all (default), shipped, or the name of a variant");
  app.add_option("--device", options.device,
                 "cpu (default), cuda, or simt: check the CUDA kernels on the host, untimed");
  app.add_option("--precision", options.precision, "fp32 (default), tf32 or bf16");
  app.add_option("--temperature", options.temperature, "hot, cold (caches emptied before each run) or both (default)");
  app.add_option("--seconds", options.seconds, "longest time for one kernel at one shape and temperature (3)");
  app.add_option("--threads", options.threads, "threads of ours and of the other libraries (0: one per core)");
  app.add_flag("--alone", options.alone, "no other libraries");
  app.add_flag("--opponents", options.list_opponents, "print which other libraries this build has, and stop");
  app.add_option("--json", options.json, "file for the results (docs/benchmark-results.md)");
  std::string command = "kernel";
  for (int i = 1; i < argc; ++i) command += std::string(" ") + argv[i];
  return cardiograd::apps::run(app, argc, argv, [&] {
    if (options.list_opponents) return cardiograd::bench::print_opponents();
    if (options.op.empty()) throw cardiograd::UsageError("--op is missing", "--op NAME, or --op all");
    cardiograd::bench::measure(options, command);
  });
}
