#include "model/gpus.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include "base/error.h"
#include "model/bench_tables.h"
#include "model/toml_depth.h"

namespace cardiograd::model {
namespace {

// {value = 20, source = "..."}; 0 where there is none and none is needed.
double figure(const toml::table& table, const char* name, const std::string& where, bool needed = true) {
  const auto value = table[name]["value"].value<double>();
  if (!value && table.contains(name)) throw Error(fmt::format("{}: {} is no {{value = number}}", where, name));
  if (!value && needed) throw Error(fmt::format("{}: {} is missing", where, name));
  if (value && !(*value > 0)) throw Error(fmt::format("{}: {} is {}, expected a positive number", where, name, *value));
  return value.value_or(0);
}

constexpr bool kOptional = false;

Gpu parse_gpu(const toml::table& root, const std::string& name, const toml::table& table, const std::string& place) {
  const std::string where = fmt::format("{}: gpu.{}", place, name);
  Gpu gpu;
  gpu.name = name;
  gpu.title = table["name"].value_or(name);
  gpu.compute_capability = table["compute_capability"].value_or(0);
  const toml::table* rates = root["compute_capability"][std::to_string(gpu.compute_capability)].as_table();
  if (rates == nullptr)
    throw Error(fmt::format("{}: the table has no compute_capability.{}", where, gpu.compute_capability));
  gpu.multiprocessors = figure(table, "sms", where);
  gpu.clock_hz = 1e6 * figure(table, "clock_mhz", where);
  const double tensor_mhz = figure(table, "tensor_clock_mhz", where, kOptional);
  gpu.tensor_clock_hz = tensor_mhz > 0 ? 1e6 * tensor_mhz : gpu.clock_hz;
  gpu.dram_bytes_per_s = 1e9 * figure(table, "dram_gb_per_s", where);
  gpu.l2_bytes_per_s = figure(table, "l2_bytes_per_clock", where, kOptional) * gpu.clock_hz;
  gpu.issue = figure(*rates, "issue", where);
  gpu.fp32 = figure(*rates, "fp32", where);
  gpu.fp64 = figure(*rates, "fp64", where, kOptional);
  gpu.sfu = figure(*rates, "sfu", where, kOptional);
  gpu.shared_bytes = figure(*rates, "shared_bytes", where);
  gpu.tensor_tf32 = figure(*rates, "tensor_tf32", where, kOptional);
  gpu.tensor_bf16 = figure(*rates, "tensor_bf16", where, kOptional);
  return gpu;
}

}  // namespace

double Gpu::flop_per_s(Precision precision) const {
  switch (precision) {
    case Precision::kFp32:
      return 2 * fp32 * multiprocessors * clock_hz;
    case Precision::kTf32:
      return 2 * tensor_tf32 * multiprocessors * tensor_clock_hz;
    case Precision::kBf16:
      return 2 * tensor_bf16 * multiprocessors * tensor_clock_hz;
  }
  return 0;
}

std::vector<Gpu> parse_gpus(const std::string& toml, const std::string& where) {
  refuse_deep_keys(toml, where);
  try {
    const toml::table root = toml::parse(toml, where);
    const toml::table* gpus = root["gpu"].as_table();
    if (gpus == nullptr) throw Error(where + ": no table [gpu.NAME]");
    std::vector<Gpu> all;
    for (const auto& [name, node] : *gpus)
      if (const toml::table* table = node.as_table())
        all.push_back(parse_gpu(root, std::string(name.str()), *table, where));
    return all;
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}: {}", where, error.description()));
  }
}

const std::vector<Gpu>& known_gpus() {
  static const std::vector<Gpu> gpus = parse_gpus(gpus_toml(), "bench/gpus.toml");
  return gpus;
}

std::string gpu_names() {
  std::string names;
  for (const Gpu& gpu : known_gpus()) names += (names.empty() ? "" : ", ") + gpu.name;
  return names;
}

}  // namespace cardiograd::model
