// profile: the kernels of one training step of HC-CNN-TN with their FLOP, least bytes and floor times on given GPUs.
#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/common/app.h"
#include "base/error.h"
#include "base/file.h"
#include "model/roofline.h"

namespace cardiograd::apps {
namespace {

// What a GPU does at most, as published (dense, without sparsity).
struct Gpu {
  std::string name;
  double flop_per_s = 0;
  double bytes_per_s = 0;
};

// NVIDIA: Ampere GA102 whitepaper (GA106 has half its rates per multiprocessor and clock of tensor cores: tf32 as fast
// as fp32, bf16 twice), H100 datasheet (SXM5).
const std::vector<Gpu>& known_gpus() {
  static const std::vector<Gpu> gpus = {{"rtx3050-fp32", 9.1e12, 224e9},
                                        {"rtx3050-bf16", 18.2e12, 224e9},
                                        {"h100-fp32", 66.9e12, 3350e9},
                                        {"h100-tf32", 494.7e12, 3350e9},
                                        {"h100-bf16", 989.4e12, 3350e9}};
  return gpus;
}

struct Options {
  std::int64_t batch = 64;
  model::HcCnnTnConfig architecture;
  std::vector<std::string> gpus = {"rtx3050-fp32", "h100-fp32", "h100-tf32"};
  bool by_layer = false;
  std::string json;
};

std::string gpu_names() {
  std::string names;
  for (const Gpu& gpu : known_gpus()) names += (names.empty() ? "" : ", ") + gpu.name;
  return names;
}

void add_options(CLI::App& app, Options& o) {
  app.add_option("--batch-size", o.batch, "64 by default")->check(CLI::Range(2, 1000000));
  app.add_option("--samples", o.architecture.samples, "per record, 1000 by default")->check(CLI::Range(8, 1000000));
  app.add_option("--leads", o.architecture.leads, "12 by default")->check(CLI::Range(1, 10000));
  app.add_option("--classes", o.architecture.classes, "5 by default")->check(CLI::Range(1, 10000));
  app.add_option("--features", o.architecture.features, "29 by default, 0: no feature branch")
      ->check(CLI::Range(0, 10000));
  app.add_option("--gpu", o.gpus, "one or more of " + gpu_names() + ", or NAME:TFLOPS:GBS for another");
  app.add_flag("--by-layer", o.by_layer,
               "per layer, too, in the order of the step, instead of per kernel and shape alone");
  app.add_option("--json", o.json, "also write the table to this file");
}

Gpu parse_gpu(const std::string& text) {
  for (const Gpu& gpu : known_gpus())
    if (gpu.name == text) return gpu;
  const std::size_t first = text.find(':');
  const std::size_t second = first == std::string::npos ? first : text.find(':', first + 1);
  double tflops = 0;
  double gigabytes = 0;
  if (second == std::string::npos || !CLI::detail::lexical_cast(text.substr(first + 1, second - first - 1), tflops) ||
      !CLI::detail::lexical_cast(text.substr(second + 1), gigabytes) || !(tflops > 0) || !(gigabytes > 0))
    throw UsageError(
        fmt::format("--gpu is '{}', expected {}, or NAME:TFLOPS:GBS with positive numbers", text, gpu_names()));
  return {text.substr(0, first), tflops * 1e12, gigabytes * 1e9};
}

// Equal calls together, or one call.
struct Line {
  std::string label;
  std::int64_t calls = 0;
  kernels::Cost each;
  const model::KernelCall* call = nullptr;

  double flop() const { return static_cast<double>(calls) * each.flop; }
  double bytes() const { return static_cast<double>(calls) * each.bytes; }
  // A call takes at least as long as its arithmetic and as its memory traffic.
  double floor_s(const Gpu& gpu) const {
    return static_cast<double>(calls) * std::max(each.flop / gpu.flop_per_s, each.bytes / gpu.bytes_per_s);
  }
  bool bound_by_memory(const Gpu& gpu) const { return each.bytes / gpu.bytes_per_s >= each.flop / gpu.flop_per_s; }
};

std::vector<Line> lines_of(const std::vector<model::KernelCall>& calls, bool by_layer) {
  std::vector<Line> lines;
  std::map<std::string, std::size_t> known;
  for (const model::KernelCall& call : calls) {
    const std::string layer = call.layer.empty() ? "(model)" : call.layer;
    const std::string label = (by_layer ? layer + "  " : std::string()) + call.op + "  " + call.work.shape;
    const auto [at, fresh] = known.emplace(label, lines.size());
    if (fresh) lines.push_back({label, 0, call.work.cost, &call});
    ++lines[at->second].calls;
  }
  return lines;
}

void print(const std::vector<Line>& lines, const std::vector<Gpu>& gpus) {
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.label.size());
  std::string header = fmt::format("{:{}} {:>5} {:>8} {:>8}", "kernel and shape", width, "calls", "GFLOP", "MB");
  for (const Gpu& gpu : gpus) header += fmt::format(" {:>15}", gpu.name);
  fmt::print("{}\n", header);
  double flop = 0;
  double bytes = 0;
  std::vector<double> total(gpus.size(), 0.0);
  for (const Line& line : lines) {
    fmt::print("{:{}} {:>5} {:>8.3f} {:>8.2f}", line.label, width, line.calls, line.flop() / 1e9, line.bytes() / 1e6);
    for (std::size_t i = 0; i < gpus.size(); ++i) {
      fmt::print(" {:>10.1f} us {}", line.floor_s(gpus[i]) * 1e6, line.bound_by_memory(gpus[i]) ? 'M' : 'F');
      total[i] += line.floor_s(gpus[i]);
    }
    fmt::print("\n");
    flop += line.flop();
    bytes += line.bytes();
  }
  fmt::print("{:{}} {:>5} {:>8.1f} {:>8.0f}", "the whole step", width, "", flop / 1e9, bytes / 1e6);
  for (const double seconds : total) fmt::print(" {:>10.2f} ms  ", seconds * 1e3);
  fmt::print(
      "\n\nF: arithmetic is the floor, M: memory traffic, every input read and every output written once per call.\n");
}

nlohmann::json to_json(const Options& o, const std::vector<Line>& lines, const std::vector<Gpu>& gpus) {
  nlohmann::json json = {
      {"batch_size", o.batch}, {"gpus", nlohmann::json::array()}, {"kernels", nlohmann::json::array()}};
  for (const Gpu& gpu : gpus)
    json["gpus"].push_back({{"name", gpu.name}, {"flop_per_s", gpu.flop_per_s}, {"bytes_per_s", gpu.bytes_per_s}});
  for (const Line& line : lines) {
    nlohmann::json floors = nlohmann::json::object();
    for (const Gpu& gpu : gpus) floors[gpu.name] = line.floor_s(gpu);
    nlohmann::json fields = nlohmann::json::object();
    for (const auto& [name, value] : line.call->work.fields) fields[name] = value;
    nlohmann::json buffers = nlohmann::json::object();
    for (const kernels::BufferSpec& buffer : line.call->work.buffers)
      buffers[std::string(buffer.name)] = buffer.count() * dtype_bytes(buffer.dtype);
    json["kernels"].push_back({{"kernel", line.label},
                               {"op", line.call->op},
                               {"shape", line.call->work.shape},
                               {"fields", fields},
                               {"buffers", buffers},
                               {"calls", line.calls},
                               {"flop", line.flop()},
                               {"bytes", line.bytes()},
                               {"floor_s", floors}});
  }
  return json;
}

void profile(const Options& o) {
  std::vector<Gpu> gpus;
  for (const std::string& name : o.gpus) gpus.push_back(parse_gpu(name));
  const std::vector<model::KernelCall> calls = model::training_step_calls(o.architecture, o.batch);
  const std::vector<Line> lines = lines_of(calls, o.by_layer);
  print(lines, gpus);
  if (!o.json.empty()) write_file(o.json, to_json(o, lines, gpus).dump(2) + "\n");
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Floating-point operations, least memory traffic and floor time of each kernel of a training step.",
               "profile");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::profile(options); });
}
