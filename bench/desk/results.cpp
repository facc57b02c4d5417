#include "bench/desk/results.h"

#include <chrono>
#include <cmath>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cardiograd::bench {
namespace {

using nlohmann::ordered_json;

ordered_json json_of(const Row& row) {
  return {{"op", row.op},
          {"shape", row.shape},
          {"workload", row.workload},
          {"variant", row.variant},
          {"opponent", row.opponent},
          {"device", word_of(row.device)},
          {"precision", word_of(row.precision)},
          {"temperature", temperature_name(row.temperature)},
          {"path", row.path},
          {"seconds", row.seconds},
          {"spread", row.spread},
          {"stable", row.stable},
          {"flop", row.flop},
          {"bytes", row.bytes},
          {"gflops", row.flop / row.seconds / 1e9},
          {"gbs", row.bytes / row.seconds / 1e9},
          {"percent_of_roof", row.percent_of_roof},
          {"percent_of_best_opponent", row.percent_of_best_opponent},
          {"checked", row.checked},
          {"note", row.note}};
}

ordered_json json_of(const Library& library) {
  return {{"name", library.name},
          {"device", word_of(library.device)},
          {"version", library.version},
          {"missing", library.missing}};
}

// A figure, or "-" where it was not measured.
std::string figure(const char* format, double value) {
  return std::isnan(value) ? "-" : fmt::format(fmt::runtime(format), value);
}

}  // namespace

std::string results_json(const Context& context, const std::vector<Row>& rows) {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  ordered_json json = {{"context",
                        {{"date", fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(now))},
                         {"commit", context.commit},
                         {"device", word_of(context.device)},
                         {"cpu", context.cpu},
                         {"gpu", context.gpu},
                         {"driver", context.driver},
                         {"clocks", context.clocks},
                         {"precision", word_of(context.precision)},
                         {"command", context.command},
                         {"roof_gflops", nullptr},
                         {"roof_gbs", nullptr},
                         {"threads", context.threads},
                         {"opponents", ordered_json::array()}}},
                       {"benchmarks", ordered_json::array()}};
  if (context.roof.measured()) {
    json["context"]["roof_gflops"] = context.roof.flop_per_s / 1e9;
    json["context"]["roof_gbs"] = context.roof.bytes_per_s / 1e9;
  }
  for (const Library& library : opponent_libraries())
    if (library.device == context.device) json["context"]["opponents"].push_back(json_of(library));
  for (const Row& row : rows) json["benchmarks"].push_back(json_of(row));
  return json.dump(1) + "\n";
}

std::string results_table(const std::vector<Row>& rows, const Roof& roof) {
  if (rows.empty()) return "";
  const Row& first = rows.front();
  std::string text = fmt::format("{}  {}  {}, {}: {:.3g} GFLOP, {:.3g} MB", first.op, first.shape,
                                 word_of(first.device), word_of(first.precision), first.flop / 1e9, first.bytes / 1e6);
  if (roof.measured())
    text += fmt::format(", at the roof {:.4g} ms", 1e3 * roof.seconds({.flop = first.flop, .bytes = first.bytes}));
  text += fmt::format("\n  {:<22}{:<6}{:>12}{:>9}{:>10}{:>9}{:>8}{:>11}\n", "", "cache", "ms", "spread", "GFLOP/s",
                      "GB/s", "roof", "best rival");
  for (const Row& row : rows) {
    const std::string who = row.opponent.empty() ? "ours, " + row.variant : row.opponent;
    std::string remark = row.path;
    if (!row.note.empty()) remark += (remark.empty() ? "" : "; ") + row.note;
    if (!std::isnan(row.seconds) && !row.stable) remark += std::string(remark.empty() ? "" : "; ") + "NOT STABLE";
    text +=
        fmt::format("  {:<22}{:<6}{:>12}{:>9}{:>10}{:>9}{:>8}{:>11}  {}\n", who,
                    std::isnan(row.seconds) ? "" : temperature_name(row.temperature),
                    figure("{:.4f}", 1e3 * row.seconds), figure("{:.1f} %", 100 * row.spread),
                    figure("{:.1f}", row.flop / row.seconds / 1e9), figure("{:.1f}", row.bytes / row.seconds / 1e9),
                    figure("{:.0f} %", row.percent_of_roof), figure("{:.0f} %", row.percent_of_best_opponent), remark);
  }
  return text;
}

}  // namespace cardiograd::bench
