// profile: the kernels of one training step of HC-CNN-TN with their FLOP, least bytes, floor times and predicted times
// on given GPUs; with --device, with the times of a step that runs; with --memory, the memory of a step.
#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "apps/common/number_range.h"
#include "apps/common/outputs.h"
#include "apps/profile/memory_table.h"
#include "apps/profile/profile_table.h"
#include "apps/profile/step_table.h"
#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "base/nearest_name.h"
#include "base/text.h"
#include "base/threads.h"
#include "engine/cuda.h"
#include "engine/precision.h"
#include "kernels/gemm/gemm_cpu.h"
#include "model/gpus.h"
#include "model/roofline.h"

namespace cardiograd::apps {
namespace {

constexpr std::int64_t kBatch = 64;

struct Options {
  Options() { settings.batch = kBatch; }
  ProfileSettings settings;
  model::HcCnnTnConfig architecture;
  std::vector<std::string> gpus = {"rtx-3050-8gb", "h100-sxm"};
  std::string precision = "fp32";
  std::string measured;
  std::string costs;
  std::string json;
  std::string device;
  int threads = 0;
  int steps = 5;
  std::string trace;
  bool memory = false;
  std::int64_t records = kPtbxlRecords;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--batch-size", o.settings.batch, "64 by default")->check(count_from_to(2, 1000000));
  app.add_option("--samples", o.architecture.samples, "per record, 1000 by default")->check(count_from_to(8, 1000000));
  app.add_option("--leads", o.architecture.leads, "12 by default")->check(count_from_to(1, 10000));
  app.add_option("--classes", o.architecture.classes, "5 by default")->check(count_from_to(1, 10000));
  app.add_option("--features", o.architecture.features, "29 by default, 0: no feature branch")
      ->check(count_from_to(0, 10000));
  app.add_option("--gpu", o.gpus,
                 "one or more of " + model::gpu_names() +
                     ", or NAME:TFLOPS:GBS for the floors of another; with --device cuda the one that it is");
  app.add_option("--precision", o.precision, "of the factors of matrix products: fp32 (default), tf32, bf16");
  app.add_option("--launch-us", o.settings.launch_us,
                 "microseconds that each launch adds to the predictions; 0 by default: no maker publishes them")
      ->check(number_from_to(0.0, 1e6));
  app.add_option("--measured", o.measured,
                 "JSON of bench/kernel on the one --gpu: prints measured / predicted of each kernel");
  app.add_option("--costs", o.costs, "a file of bench/kernel_costs instead of the one that this program carries");
  app.add_flag("--by-layer", o.settings.by_layer,
               "per layer, too, in the order of the step, instead of per kernel and shape alone");
  app.add_option("--json", o.json, "also write the table to this file");
  CLI::Option* device =
      app.add_option("--device", o.device, "run the step, on random records: auto, cpu or cuda; times each kernel");
  app.add_option("--threads", o.threads, "with --device cpu; 0 (default): one for each core")
      ->check(count_from_to(0, 1024))
      ->needs(device);
  app.add_option("--steps", o.steps, "with --device: steps to take the median of, 5 by default")
      ->check(count_from_to(1, 10000))
      ->needs(device);
  app.add_option("--trace", o.trace,
                 "with --device: also write the step to this file, for Perfetto or chrome://tracing")
      ->needs(device);
  CLI::Option* memory = app.add_flag("--memory", o.memory, "the memory of the step on a GPU, by tensor, and what fits");
  app.add_option("--records", o.records,
                 fmt::format("with --memory: records whose signals stay on the GPU, {} by default", kPtbxlRecords))
      ->check(count_from_to(2, 100'000'000))
      ->needs(memory);
  memory->excludes(device);
  // What a table without a meaning for it would pass over in silence.
  for (const char* const name :
       {"--gpu", "--precision", "--launch-us", "--measured", "--costs", "--by-layer", "--json"})
    memory->excludes(app.get_option(name));
  for (const char* const name : {"--launch-us", "--measured", "--costs"}) device->excludes(app.get_option(name));
}

Roof parse_roof(const std::string& text, Precision precision) {
  std::vector<std::string> names;
  for (const model::Gpu& gpu : model::known_gpus()) {
    names.push_back(gpu.name);
    if (gpu.name != text) continue;
    const double flop_per_s = gpu.flop_per_s(precision);
    if (!(flop_per_s > 0))
      throw UsageError(fmt::format("--precision {}: no rate of {} is published", word_of(precision), gpu.title));
    return {gpu.name, flop_per_s, gpu.dram_bytes_per_s, &gpu};
  }
  // Of any GPU that there may be: a quintillion operations and bytes a second.
  constexpr double kLargest = 1e6;
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  const auto rate = [&](std::size_t begin, std::size_t end) {
    double value = 0;
    const auto [rest, error] = std::from_chars(text.data() + begin, text.data() + end, value);
    return error == std::errc() && rest == text.data() + end && value > 0 && value <= kLargest ? value : 0;
  };
  const double tflops = second == std::string::npos ? 0 : rate(first + 1, second);
  const double gigabytes = second == std::string::npos ? 0 : rate(second + 1, text.size());
  if (tflops == 0 || gigabytes == 0 || first == 0)
    throw UsageError(fmt::format("--gpu is '{}', expected {}, or NAME:TFLOPS:GBS with numbers above 0 and up to {:g}",
                                 text, model::gpu_names(), kLargest),
                     fmt::format("Nearest: {}.", nearest_name(text, names)));
  return {text.substr(0, first), tflops * 1e12, gigabytes * 1e9, nullptr};
}

// The known GPU that --gpu names, when it names one.
const model::Gpu* gpu_of(const Options& o, const CLI::App& app) {
  if (app.count("--gpu") == 0 || o.gpus.size() != 1) return nullptr;
  for (const model::Gpu& gpu : model::known_gpus())
    if (o.gpus.front() == gpu.name) return &gpu;
  return nullptr;
}

void profile_device(const Options& o, const CLI::App& app) {
  const Device device = parse_device(o.device);
  const auto precision = parse_word<Precision>("--precision", o.precision);
  set_thread_count(o.threads);
  StepSettings settings = {.device = describe_device(device),
                           .precision = o.precision,
                           .batch = o.settings.batch,
                           .by_layer = o.settings.by_layer,
                           .launches = device == Device::kCuda,
                           .roof = {},
                           .costs = &model::CostTable::built_in()};
  if (app.count("--gpu") > 0 && (device == Device::kCpu || gpu_of(o, app) == nullptr))
    throw UsageError(fmt::format("--gpu {} with --device {}", fmt::join(o.gpus, " "), o.device),
                     "With --device cuda it names the one GPU that this is, of: " + model::gpu_names() + ".");
  if (device == Device::kCpu) {
    settings.device = fmt::format("cpu, {} threads, {}", thread_count(), kernels::gemm_instruction_set());
    const model::MeasuredRoof roof = model::measure_cpu_roof();
    settings.roof = "a product of 1024 x 1024 matrices and a copy, measured now";
    settings.flop_per_s = roof.flop_per_s;
    settings.bytes_per_s = roof.bytes_per_s;
  } else if (const model::Gpu* gpu = gpu_of(o, app); gpu != nullptr && gpu->flop_per_s(precision) > 0) {
    settings.roof = gpu->title + ", as published";
    settings.flop_per_s = gpu->flop_per_s(precision);
    settings.bytes_per_s = gpu->dram_bytes_per_s;
    settings.gpu = gpu;
  }
  if (device == Device::kCuda && cuda::emulated())
    log_warning("the GPU is emulated on this processor: the times say nothing about a GPU");
  const MatmulPrecision mode(precision);
  const model::TimedStep step = model::time_training_step(o.architecture, o.settings.batch, device, o.steps);
  fmt::print("{}", step_text(step, settings));
  if (!o.json.empty()) write_file(o.json, step_json(step, settings).dump(2) + "\n");
  if (!o.trace.empty()) write_file(o.trace, step_trace(step, settings).dump() + "\n");
}

void profile(Options o, const CLI::App& app) {
  const auto given = [](const std::string& file) { return file.empty() ? std::nullopt : std::optional(file); };
  check_replaced({{"--json", given(o.json)}, {"--trace", given(o.trace)}},
                 {.files = {o.measured, o.costs}, .records = {}, .folder = {}});
  if (o.memory) {
    fmt::print("{}",
               step_memory_text({.architecture = o.architecture, .batch = o.settings.batch, .records = o.records}));
    return;
  }
  if (!o.device.empty()) {
    profile_device(o, app);
    return;
  }
  o.settings.precision = parse_word<Precision>("--precision", o.precision);
  std::vector<Roof> roofs;
  for (const std::string& name : o.gpus) roofs.push_back(parse_roof(name, o.settings.precision));
  if (!o.measured.empty()) {
    if (roofs.size() != 1 || roofs.front().gpu == nullptr)
      throw UsageError("--measured goes with one --gpu, the one that was measured", "Known: " + model::gpu_names());
    o.settings.measured = parse_measured(read_file(o.measured), o.measured);
  }
  std::optional<model::CostTable> costs;
  if (!o.costs.empty()) costs.emplace(read_file(o.costs), o.costs);
  o.settings.costs = costs ? &*costs : &model::CostTable::built_in();
  const std::vector<model::KernelCall> calls =
      model::training_step_calls(o.architecture, o.settings.batch, Device::kCuda, o.settings.precision);
  const std::vector<ProfileLine> lines = profile_lines(calls, roofs, o.settings);
  if (!o.measured.empty() &&
      std::none_of(lines.begin(), lines.end(), [](const ProfileLine& line) { return line.measured_s.has_value(); }))
    throw Error(fmt::format("{}: none of its times is of a kernel of this step", o.measured),
                fmt::format("A name is '{}/{}', for example.", calls.front().op, calls.front().work.shape));
  fmt::print("{}", printable_lines(profile_text(lines, roofs, o.settings)));
  if (!o.json.empty()) write_file(o.json, profile_json(lines, roofs, o.settings).dump(2) + "\n");
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app(
      "Floating-point operations, least memory traffic, floor time and predicted time of each kernel of a training "
      "step; with --device the times of a step that runs, with --memory its memory.",
      "profile");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::profile(options, app); });
}
