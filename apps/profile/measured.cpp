// The times of benchmarks, for `profile --measured`.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/profile/profile_table.h"
#include "base/error.h"

namespace cardiograd::apps {
namespace {

double seconds_of(const nlohmann::json& run, const std::string& where) {
  if (run.contains("seconds")) return run.at("seconds");
  if (run.contains("ms")) return 1e-3 * run.at("ms").get<double>();
  constexpr std::array<std::pair<const char*, double>, 4> kUnits = {
      {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}}};
  const std::string unit = run.at("time_unit");
  for (const auto& [name, seconds] : kUnits)
    if (unit == name) return seconds * run.at("real_time").get<double>();
  throw Error(fmt::format("{}: time_unit is '{}', expected ns, us, ms or s", where, unit));
}

// Google Benchmark adds how it measured: "conv1d_forward/N64 ... g1/manual_time".
std::string plain_name(std::string name) {
  for (const std::string ending : {"/manual_time", "/real_time"})
    if (name.ends_with(ending)) name.resize(name.size() - ending.size());
  return name;
}

}  // namespace

std::map<std::string, double> parse_measured(const std::string& json, const std::string& where) {
  std::map<std::string, double> found;
  try {
    const nlohmann::json file = nlohmann::json::parse(json);
    for (const auto& run : file.at(file.contains("benchmarks") ? "benchmarks" : "kernels")) {
      if (run.value("run_type", "iteration") != "iteration") continue;  // a mean or a deviation
      const double seconds = seconds_of(run, where);
      const std::string name = plain_name(run.contains("run_name") ? run.at("run_name") : run.at("name"));
      if (!(seconds > 0)) throw Error(fmt::format("{}: {} took {} s", where, name, seconds));
      const auto [at, fresh] = found.emplace(name, seconds);
      if (!fresh) at->second = std::min(at->second, seconds);
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(fmt::format("{}: no times of benchmarks: {}", where, error.what()),
                "Write it with kernels_bench --benchmark_out FILE.");
  }
  return found;
}

}  // namespace cardiograd::apps
