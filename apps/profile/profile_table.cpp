#include "apps/profile/profile_table.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace cardiograd::apps {
namespace {

constexpr std::size_t kLosses = 3;
constexpr std::size_t kListed = 5;  // reasons
constexpr double kMicro = 1e6;
constexpr double kMilli = 1e3;

ProfileCell cell_of(const ProfileLine& line, const Roof& roof, const ProfileSettings& settings) {
  const kernels::Cost& cost = line.call->work.cost;
  const double arithmetic = cost.flop / roof.flop_per_s;
  const double memory = cost.bytes / roof.bytes_per_s;
  const auto calls = static_cast<double>(line.calls);
  ProfileCell cell;
  cell.floor_s = calls * std::max(arithmetic, memory);
  cell.bound_by_memory = memory >= arithmetic;
  if (roof.gpu == nullptr) return cell;
  cell.call = settings.costs->predict(*line.call, *roof.gpu);
  if (cell.call.known())
    cell.predicted_s =
        calls * (cell.call.seconds() + static_cast<double>(cell.call.launches()) * settings.launch_us / kMicro);
  return cell;
}

std::string limiter_text(const ProfileCell& cell) {
  if (!cell.predicted_s) return "";
  const model::KernelPrediction& slowest = cell.call.slowest();
  return std::string(model::limit_name(slowest.limiter)) + (slowest.library ? " *" : "");
}

// What a roof's columns hold in a line.
std::string cell_text(const ProfileCell& cell) {
  const std::string floor = fmt::format(" {:>9.1f} {}", cell.floor_s * kMicro, cell.bound_by_memory ? 'M' : 'F');
  const std::string predicted = cell.predicted_s ? fmt::format("{:.1f}", *cell.predicted_s * kMicro) : "none";
  return fmt::format("{} {:>10} {:14}", floor, predicted, limiter_text(cell));
}

std::string measured_text(const ProfileLine& line) {
  if (!line.measured_s) return fmt::format(" {:>9} {:>6}", "", "");
  const auto& predicted = line.cells.front().predicted_s;
  return fmt::format(" {:>9.1f} {:>6}", *line.measured_s * kMicro,
                     predicted ? fmt::format("{:.2f}", *line.measured_s / *predicted) : "");
}

std::string head_text(const std::vector<Roof>& roofs, std::size_t width, bool measured) {
  std::string names = fmt::format("{:{}} {:>5} {:>8} {:>8}", "", width, "", "", "");
  std::string columns = fmt::format("{:{}} {:>5} {:>8} {:>8}", "kernel and shape", width, "calls", "GFLOP", "MB");
  for (const Roof& roof : roofs) {
    names += fmt::format("  {:36}", roof.name);
    columns += fmt::format(" {:>11} {:>10} {:14}", "floor us", "predicted", "limiter");
  }
  if (measured) columns += fmt::format(" {:>9} {:>6}", "measured", "ratio");
  const auto trimmed = [](const std::string& text) { return text.substr(0, text.find_last_not_of(' ') + 1); };
  return trimmed(names) + "\n" + trimmed(columns) + "\n";
}

std::string sums_text(const std::vector<ProfileLine>& lines, const std::vector<Roof>& roofs, std::size_t width,
                      const ProfileSettings& settings) {
  double flop = 0;
  double bytes = 0;
  for (const ProfileLine& line : lines) {
    flop += line.flop();
    bytes += line.bytes();
  }
  std::string text = fmt::format("{:{}} {:>5} {:>8.1f} {:>8.0f}", "the whole step", width, "", flop / 1e9, bytes / 1e6);
  for (std::size_t i = 0; i < roofs.size(); ++i) {
    const StepSums sums = step_sums(lines, i, settings.launch_us);
    const std::string predicted =
        roofs[i].gpu != nullptr ? fmt::format("{:.2f} ms", sums.predicted_s * kMilli) : std::string("none");
    text += fmt::format(" {:>8.2f} ms {:>10} {:14}", sums.floor_s * kMilli, predicted,
                        sums.without_prediction > 0 ? fmt::format("- {} calls", sums.without_prediction) : "");
  }
  return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
}

std::string losses_text(const std::vector<ProfileLine>& lines, const std::vector<Roof>& roofs) {
  std::string text;
  for (std::size_t i = 0; i < roofs.size(); ++i) {
    std::string list;
    for (const ProfileLine* line : largest_losses(lines, i, kLosses))
      list += fmt::format("{}{} {:.2f} ms, {:.1f} times its floor, limited by {}", list.empty() ? "" : "; ",
                          line->call->op, *line->cells[i].predicted_s * kMilli,
                          *line->cells[i].predicted_s / line->cells[i].floor_s, limiter_text(line->cells[i]));
    if (!list.empty()) text += fmt::format("largest losses on {}: {}\n", roofs[i].name, list);
  }
  return text;
}

// Where predictions on a roof come from other machine code, other sizes, or not at all.
std::string notes_of(const std::vector<ProfileLine>& lines, const Roof& roof, std::size_t i) {
  int code = 0;
  std::vector<std::string> missing;
  std::string scaled;
  for (const ProfileLine& line : lines) {
    const model::CallPrediction& call = line.cells[i].call;
    for (const model::KernelPrediction& kernel : call.kernels)
      if (!kernel.library) code = kernel.compute_capability;
    if (!call.known()) missing.push_back(call.note);
    if (call.known() && !call.note.empty() && scaled.empty())
      scaled = fmt::format("{}: counts scaled from another size, {} for example is {}\n", roof.name, line.call->op,
                           call.note);
  }
  std::string text = scaled;
  if (code != 0 && code != roof.gpu->compute_capability)
    text += fmt::format("{}: from the machine code for compute capability {}, the nearest to its {}\n", roof.name, code,
                        roof.gpu->compute_capability);
  for (std::size_t n = 0; n < std::min(missing.size(), kListed); ++n)
    text += fmt::format("{}: {}\n", roof.name, missing[n]);
  if (missing.size() > kListed)
    text += fmt::format("{}: no prediction for {} more\n", roof.name, missing.size() - kListed);
  return text;
}

std::string notes_text(const std::vector<ProfileLine>& lines, const std::vector<Roof>& roofs,
                       const ProfileSettings& settings) {
  std::int64_t launches = 0;
  for (const ProfileLine& line : lines) launches += line.launches;
  std::string text = fmt::format("\nlaunches: {} kernels and matrix products in the step\n", launches);
  text +=
      "floor: F arithmetic, M memory traffic, every input read and every output written once per call; a sum of "
      "floors "
      "is no prediction.\n";
  const bool any = std::any_of(roofs.begin(), roofs.end(), [](const Roof& roof) { return roof.gpu != nullptr; });
  if (!any) return text;
  text += fmt::format(
      "predicted, not measured: a lower bound from the kernels' machine code and memory requests, {}.\n*: a library's "
      "product, its floor.\n",
      settings.launch_us > 0 ? fmt::format("with {} us for each launch", settings.launch_us)
                             : std::string("without the cost of launches (--launch-us)"));
  for (std::size_t i = 0; i < roofs.size(); ++i)
    if (roofs[i].gpu != nullptr) text += notes_of(lines, roofs[i], i);
  return text;
}

nlohmann::json json_of(const model::CallPrediction& call) {
  nlohmann::json json = {{"kernels", nlohmann::json::array()}};
  if (!call.note.empty()) json["note"] = call.note;
  for (const model::KernelPrediction& kernel : call.kernels) {
    nlohmann::json terms = nlohmann::json::object();
    for (std::size_t i = 0; i < model::kLimits; ++i)
      if (kernel.terms.seconds[i] > 0) terms[model::limit_name(static_cast<model::Limit>(i))] = kernel.terms.seconds[i];
    json["kernels"].push_back({{"kernel", kernel.kernel},
                               {"launches", kernel.launches},
                               {"predicted_s", kernel.seconds},
                               {"at_least_s", kernel.at_least},
                               {"at_most_s", kernel.at_most},
                               {"limiter", model::limit_name(kernel.limiter)},
                               {"terms_of_launch_s", terms},
                               {"library", kernel.library}});
    if (!kernel.library) json["kernels"].back()["compute_capability"] = kernel.compute_capability;
  }
  return json;
}

nlohmann::json json_of(const ProfileLine& line, const std::vector<Roof>& roofs) {
  nlohmann::json fields = nlohmann::json::object();
  for (const auto& [name, value] : line.call->work.fields) fields[name] = value;
  nlohmann::json buffers = nlohmann::json::object();
  for (const kernels::BufferSpec& buffer : line.call->work.buffers)
    buffers[std::string(buffer.name)] = buffer.count() * dtype_bytes(buffer.dtype);
  nlohmann::json json = {{"kernel", line.label},      {"op", line.call->op}, {"shape", line.call->work.shape},
                         {"fields", fields},          {"buffers", buffers},  {"calls", line.calls},
                         {"launches", line.launches}, {"flop", line.flop()}, {"bytes", line.bytes()}};
  for (std::size_t i = 0; i < roofs.size(); ++i) {
    const ProfileCell& cell = line.cells[i];
    json["floor_s"][roofs[i].name] = cell.floor_s;
    if (roofs[i].gpu == nullptr) continue;
    nlohmann::json prediction = json_of(cell.call);
    if (cell.predicted_s) {
      prediction["predicted_s"] = *cell.predicted_s;
      prediction["limiter"] = model::limit_name(cell.call.slowest().limiter);
      prediction["launches"] = line.calls * cell.call.launches();
    }
    json["prediction"][roofs[i].name] = prediction;
  }
  if (line.measured_s) {
    json["measured_s"] = *line.measured_s;
    if (line.cells.front().predicted_s)
      json["measured_over_predicted"] = *line.measured_s / *line.cells.front().predicted_s;
  }
  return json;
}

}  // namespace

std::vector<ProfileLine> profile_lines(const std::vector<model::KernelCall>& calls, const std::vector<Roof>& roofs,
                                       const ProfileSettings& settings) {
  std::vector<ProfileLine> lines;
  std::map<std::string, std::size_t> known;
  for (const model::KernelCall& call : calls) {
    const std::string layer = call.layer.empty() ? "(model)" : call.layer;
    const std::string label = (settings.by_layer ? layer + "  " : std::string()) + call.op + "  " + call.work.shape;
    const auto [at, fresh] = known.emplace(label, lines.size());
    if (fresh)
      lines.push_back({.label = label, .calls = 0, .launches = 0, .call = &call, .cells = {}, .measured_s = {}});
    ++lines[at->second].calls;
    lines[at->second].launches += call.launches;
  }
  for (ProfileLine& line : lines) {
    for (const Roof& roof : roofs) line.cells.push_back(cell_of(line, roof, settings));
    const auto measured = settings.measured.find(line.call->op + "/" + line.call->work.shape);
    if (measured != settings.measured.end()) line.measured_s = static_cast<double>(line.calls) * measured->second;
  }
  return lines;
}

StepSums step_sums(const std::vector<ProfileLine>& lines, std::size_t roof, double launch_us) {
  StepSums sums;
  for (const ProfileLine& line : lines) {
    const ProfileCell& cell = line.cells[roof];
    const auto calls = static_cast<double>(line.calls);
    const double launching = calls * static_cast<double>(cell.call.launches()) * launch_us / kMicro;
    sums.floor_s += cell.floor_s;
    sums.launches += line.calls * cell.call.launches();
    if (!cell.predicted_s) {
      sums.without_prediction += line.calls;
      continue;
    }
    sums.predicted_s += *cell.predicted_s;
    sums.at_least_s += calls * cell.call.at_least() + launching;
    sums.at_most_s += calls * cell.call.at_most() + launching;
  }
  return sums;
}

std::vector<const ProfileLine*> largest_losses(const std::vector<ProfileLine>& lines, std::size_t roof,
                                               std::size_t count) {
  std::vector<const ProfileLine*> worst;
  for (const ProfileLine& line : lines)
    if (line.cells[roof].predicted_s) worst.push_back(&line);
  const auto loss = [roof](const ProfileLine* line) {
    return *line->cells[roof].predicted_s - line->cells[roof].floor_s;
  };
  std::stable_sort(worst.begin(), worst.end(),
                   [&](const ProfileLine* a, const ProfileLine* b) { return loss(a) > loss(b); });
  worst.resize(std::min(worst.size(), count));
  return worst;
}

std::string profile_text(const std::vector<ProfileLine>& lines, const std::vector<Roof>& roofs,
                         const ProfileSettings& settings) {
  std::size_t width = 0;
  for (const ProfileLine& line : lines) width = std::max(width, line.label.size());
  std::string text = head_text(roofs, width, !settings.measured.empty());
  for (const ProfileLine& line : lines) {
    std::string row = fmt::format("{:{}} {:>5} {:>8.3f} {:>8.2f}", line.label, width, line.calls, line.flop() / 1e9,
                                  line.bytes() / 1e6);
    for (const ProfileCell& cell : line.cells) row += cell_text(cell);
    if (!settings.measured.empty()) row += measured_text(line);
    text += row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
  }
  return text + sums_text(lines, roofs, width, settings) + notes_text(lines, roofs, settings) +
         losses_text(lines, roofs);
}

nlohmann::json profile_json(const std::vector<ProfileLine>& lines, const std::vector<Roof>& roofs,
                            const ProfileSettings& settings) {
  nlohmann::json json = {
      {"batch_size", settings.batch},
      {"precision", word_of(settings.precision)},
      {"launch_us", settings.launch_us},
      {"note", "predicted times are lower bounds from machine code and memory requests, not measured"},
      {"gpus", nlohmann::json::array()},
      {"kernels", nlohmann::json::array()}};
  for (const Roof& roof : roofs)
    json["gpus"].push_back({{"name", roof.name}, {"flop_per_s", roof.flop_per_s}, {"bytes_per_s", roof.bytes_per_s}});
  for (const ProfileLine& line : lines) json["kernels"].push_back(json_of(line, roofs));
  for (std::size_t i = 0; i < roofs.size(); ++i) {
    const StepSums sums = step_sums(lines, i, settings.launch_us);
    nlohmann::json step = {{"floor_s", sums.floor_s}};
    if (roofs[i].gpu != nullptr) {
      step.update({{"predicted_s", sums.predicted_s},
                   {"at_least_s", sums.at_least_s},
                   {"at_most_s", sums.at_most_s},
                   {"launches", sums.launches},
                   {"calls_without_prediction", sums.without_prediction},
                   {"largest_losses", nlohmann::json::array()}});
      for (const ProfileLine* line : largest_losses(lines, i, kLosses)) step["largest_losses"].push_back(line->label);
    }
    json["step"][roofs[i].name] = step;
  }
  return json;
}

}  // namespace cardiograd::apps
