#include "apps/profile/step_table.h"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cardiograd::apps {
namespace {

constexpr std::size_t kGaps = 3;
constexpr double kMicro = 1e6;
constexpr double kMilli = 1e3;

double floor_of(const kernels::Cost& cost, const StepSettings& settings) {
  return std::max(cost.flop / settings.flop_per_s, cost.bytes / settings.bytes_per_s);
}

std::optional<double> prediction_of(const model::KernelCall& call, const StepSettings& settings) {
  if (settings.gpu == nullptr) return std::nullopt;
  const model::CallPrediction prediction = settings.costs->predict(call, *settings.gpu);
  if (!prediction.known()) return std::nullopt;
  return prediction.seconds();
}

// Equal calls together.
struct Line {
  std::string label;
  std::int64_t calls = 0;
  std::int64_t launches = 0;
  double seconds = 0;
  kernels::Cost cost{};
  double predicted_s = 0;
  bool predicted = true;  // all of them
};

std::string label_of(const model::KernelCall& call, bool by_layer) {
  const std::string layer = call.layer.empty() ? "(model)" : call.layer;
  return (by_layer ? layer + "  " : std::string()) + call.op + "  " + call.work.shape;
}

std::vector<Line> lines_of(const model::TimedStep& step, const StepSettings& settings) {
  std::vector<Line> lines;
  std::map<std::string, std::size_t> known;
  for (const model::TimedKernel& kernel : step.kernels) {
    const auto [at, fresh] = known.emplace(label_of(kernel.call, settings.by_layer), lines.size());
    if (fresh) lines.push_back({.label = at->first});
    Line& line = lines[at->second];
    ++line.calls;
    line.launches += kernel.call.launches;
    line.seconds += kernel.seconds;
    line.cost.flop += kernel.call.work.cost.flop;
    line.cost.bytes += kernel.call.work.cost.bytes;
    const auto predicted = prediction_of(kernel.call, settings);
    line.predicted_s += predicted.value_or(0);
    line.predicted = line.predicted && predicted.has_value();
  }
  std::stable_sort(lines.begin(), lines.end(), [](const Line& a, const Line& b) { return a.seconds > b.seconds; });
  return lines;
}

std::string line_text(const Line& line, std::size_t width, double kernels_s, const StepSettings& settings) {
  std::string text = fmt::format("{:{}} {:>5}", line.label, width, line.calls);
  if (settings.launches) text += fmt::format(" {:>8}", line.launches);
  text += fmt::format(" {:>9.3f} {:>5.1f} {:>8.3f} {:>8.2f} {:>8.1f} {:>7.1f}", line.seconds * kMilli,
                      100 * line.seconds / kernels_s, line.cost.flop / 1e9, line.cost.bytes / 1e6,
                      line.cost.flop / line.seconds / 1e9, line.cost.bytes / line.seconds / 1e9);
  if (!settings.roof.empty()) text += fmt::format(" {:>6.1f}", 100 * floor_of(line.cost, settings) / line.seconds);
  if (settings.gpu != nullptr)
    text += line.predicted
                ? fmt::format(" {:>9.3f} {:>6.2f}", line.predicted_s * kMilli, line.seconds / line.predicted_s)
                : fmt::format(" {:>9}", "none");
  return text + "\n";
}

// What lies before kernel i, or behind the last one.
struct Gap {
  double seconds = 0;
  std::string place;
};

std::vector<Gap> largest_gaps(const model::TimedStep& step) {
  std::vector<Gap> gaps;
  double end = 0;
  for (const model::TimedKernel& kernel : step.kernels) {
    const std::string layer = kernel.call.layer.empty() ? "" : " of " + kernel.call.layer;
    gaps.push_back({kernel.start_s - end, "before " + kernel.call.op + layer});
    end = kernel.start_s + kernel.seconds;
  }
  gaps.push_back({step.timed_s - end, "behind the last kernel"});
  std::stable_sort(gaps.begin(), gaps.end(), [](const Gap& a, const Gap& b) { return a.seconds > b.seconds; });
  gaps.resize(std::min(gaps.size(), kGaps));
  return gaps;
}

std::string sums_text(const model::TimedStep& step, const StepSettings& settings) {
  std::string text = fmt::format(
      "\nkernels {:.3f} ms + between them {:.3f} ms ({:.1f} %) = {:.3f} ms for a step with the clock read around each "
      "kernel;\n{:.3f} ms for a step without, the median of {}\n",
      step.kernels_s() * kMilli, step.between_s() * kMilli, 100 * step.between_s() / step.timed_s,
      step.timed_s * kMilli, step.step_s * kMilli, step.steps);
  text += "largest gaps:";
  for (const Gap& gap : largest_gaps(step)) text += fmt::format(" {:.1f} us {};", gap.seconds * kMicro, gap.place);
  text.back() = '\n';
  double floor = 0;
  double predicted = 0;
  for (const model::TimedKernel& kernel : step.kernels) {
    if (!settings.roof.empty()) floor += floor_of(kernel.call.work.cost, settings);
    predicted += prediction_of(kernel.call, settings).value_or(0);
  }
  if (!settings.roof.empty())
    text +=
        fmt::format("roof: {:.1f} GFLOP/s and {:.1f} GB/s ({}); floor of the step {:.3f} ms, {:.1f} % of the time\n",
                    settings.flop_per_s / 1e9, settings.bytes_per_s / 1e9, settings.roof, floor * kMilli,
                    100 * floor / step.step_s);
  if (settings.gpu != nullptr)
    text += fmt::format("predicted for {}, a lower bound: {:.3f} ms\n", settings.gpu->name, predicted * kMilli);
  return text;
}

nlohmann::json arguments_of(const model::TimedKernel& kernel) {
  return {{"layer", kernel.call.layer},
          {"shape", kernel.call.work.shape},
          {"launches", kernel.call.launches},
          {"flop", kernel.call.work.cost.flop},
          {"bytes", kernel.call.work.cost.bytes}};
}

nlohmann::json event(const std::string& name, const char* category, double start_s, double seconds, int row) {
  return {{"name", name}, {"cat", category}, {"ph", "X"}, {"ts", start_s * kMicro}, {"dur", seconds * kMicro},
          {"pid", 1},     {"tid", row}};
}

nlohmann::json row_name(const std::string& name, int row) {
  return {{"name", "thread_name"}, {"ph", "M"}, {"pid", 1}, {"tid", row}, {"args", {{"name", name}}}};
}

}  // namespace

std::string step_text(const model::TimedStep& step, const StepSettings& settings) {
  const std::vector<Line> lines = lines_of(step, settings);
  std::size_t width = 0;
  for (const Line& line : lines) width = std::max(width, line.label.size());
  std::string text =
      fmt::format("a training step on {} records, {}, {}\n", settings.batch, settings.device, settings.precision);
  text += fmt::format("{:{}} {:>5}", "kernel and shape", width, "calls");
  if (settings.launches) text += fmt::format(" {:>8}", "launches");
  text += fmt::format(" {:>9} {:>5} {:>8} {:>8} {:>8} {:>7}", "ms", "%", "GFLOP", "MB", "GFLOP/s", "GB/s");
  if (!settings.roof.empty()) text += fmt::format(" {:>6}", "% roof");
  if (settings.gpu != nullptr) text += fmt::format(" {:>9} {:>6}", "predicted", "ratio");
  text += "\n";
  for (const Line& line : lines) text += line_text(line, width, step.kernels_s(), settings);
  return text + sums_text(step, settings);
}

nlohmann::json step_json(const model::TimedStep& step, const StepSettings& settings) {
  nlohmann::json json = {{"device", settings.device},
                         {"precision", settings.precision},
                         {"batch_size", settings.batch},
                         {"step_s", step.step_s},
                         {"steps", step.steps},
                         {"timed_step_s", step.timed_s},
                         {"kernels_s", step.kernels_s()},
                         {"between_s", step.between_s()},
                         {"kernels", nlohmann::json::array()}};
  if (!settings.roof.empty())
    json["roof"] = {{"of", settings.roof}, {"flop_per_s", settings.flop_per_s}, {"bytes_per_s", settings.bytes_per_s}};
  for (const model::TimedKernel& kernel : step.kernels) {
    nlohmann::json entry = arguments_of(kernel);
    entry["op"] = kernel.call.op;
    entry["start_s"] = kernel.start_s;
    entry["seconds"] = kernel.seconds;
    if (!settings.roof.empty()) entry["floor_s"] = floor_of(kernel.call.work.cost, settings);
    if (const auto predicted = prediction_of(kernel.call, settings)) entry["predicted_s"] = *predicted;
    json["kernels"].push_back(std::move(entry));
  }
  return json;
}

nlohmann::json step_trace(const model::TimedStep& step, const StepSettings& settings) {
  constexpr int kLayers = 1;
  constexpr int kKernels = 2;
  nlohmann::json events = nlohmann::json::array();
  events.push_back({{"name", "process_name"},
                    {"ph", "M"},
                    {"pid", 1},
                    {"args", {{"name", fmt::format("training step, {}", settings.device)}}}});
  events.push_back(row_name("layers", kLayers));
  events.push_back(row_name("kernels", kKernels));
  for (std::size_t i = 0; i < step.kernels.size();) {
    const model::TimedKernel& first = step.kernels[i];
    double end = 0;
    for (; i < step.kernels.size() && step.kernels[i].call.layer == first.call.layer; ++i) {
      const model::TimedKernel& kernel = step.kernels[i];
      end = kernel.start_s + kernel.seconds;
      events.push_back(event(kernel.call.op, "kernel", kernel.start_s, kernel.seconds, kKernels));
      events.back()["args"] = arguments_of(kernel);
    }
    events.push_back(event(first.call.layer.empty() ? "(model)" : first.call.layer, "layer", first.start_s,
                           end - first.start_s, kLayers));
  }
  return {{"traceEvents", events}, {"displayTimeUnit", "ms"}};
}

}  // namespace cardiograd::apps
