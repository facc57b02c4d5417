#include "apps/common/prediction_output.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "data/class_words.h"
#include "data/csv.h"

namespace cardiograd::apps {
namespace {

using nlohmann::json;

std::vector<std::string> positive_classes(const model::Prediction& prediction, const model::ModelDescription& model) {
  std::vector<std::string> names;
  for (std::size_t c = 0; c < prediction.positive.size(); ++c)
    if (prediction.positive[c]) names.push_back(model.class_names[c]);
  return names;
}

std::string positive_text(const model::Prediction& prediction, const model::ModelDescription& model) {
  std::vector<std::string> names = positive_classes(prediction, model);
  for (std::string& name : names) name = data::class_in_words(name, model.task);
  return names.empty() ? "no class positive" : fmt::format("{}", fmt::join(names, ", "));
}

// A line for each class, its meaning last.
std::string classes_text(const model::Prediction& prediction, const model::ModelDescription& model) {
  std::string text;
  for (std::size_t c = 0; c < model.class_names.size(); ++c) {
    const std::string& name = model.class_names[c];
    std::string line = fmt::format("  {:12} {:6.3f}  threshold {:.3f}  {:8}  {}", name, prediction.probabilities[c],
                                   model.thresholds[c], prediction.positive[c] ? "positive" : "",
                                   data::class_meaning(name, model.task));
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

// Two lines of six leads, and one for each lead that is worth a word.
std::string leads_text(const model::Prediction& prediction, bool measured) {
  std::string rows, words;
  for (std::size_t i = 0; i < prediction.leads.size(); ++i) {
    const model::LeadReport& lead = prediction.leads[i];
    const char* state = lead.missing ? "missing" : !lead.quality.fault.empty() ? "unusable" : "";
    if (i % 6 == 0) rows += i == 0 ? "  leads (SNR)  " : "               ";
    rows += fmt::format("{:4}{:<10}", lead.lead,
                        *state != '\0' || !measured ? state : fmt::format("{:.0f} dB", lead.quality.snr_db));
    if (i % 6 == 5) rows = rows.substr(0, rows.find_last_not_of(' ') + 1) + "\n";
    const std::string& word = lead.quality.fault.empty() ? lead.quality.remark : lead.quality.fault;
    if (!word.empty()) words += fmt::format("               {}: {}\n", lead.lead, word);
  }
  return rows + words;
}

json number_or_null(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json leads_json(const model::Prediction& prediction) {
  json leads = json::array();
  for (const model::LeadReport& lead : prediction.leads) {
    const dsp::LeadQuality& quality = lead.quality;
    json entry = {{"lead", lead.lead},
                  {"source", lead.missing           ? "missing"
                             : lead.formula.empty() ? "file"
                                                    : "derived"}};
    if (!lead.formula.empty()) entry["formula"] = lead.formula;
    if (!lead.missing) {
      entry["usable"] = quality.fault.empty();
      entry["snr_db"] = quality.snr_db;
      entry["contrast"] = quality.contrast;
      entry["swing"] = quality.swing;
      entry["noise"] = quality.noise;
      entry["drift"] = quality.drift;
      entry["missing_fraction"] = quality.missing_fraction;
      entry["flat_fraction"] = quality.flat_fraction;
      entry["saturated_fraction"] = quality.saturated_fraction;
      if (!quality.fault.empty()) entry["fault"] = quality.fault;
      if (!quality.remark.empty()) entry["remark"] = quality.remark;
    }
    leads.push_back(std::move(entry));
  }
  return leads;
}

}  // namespace

std::string PredictionOutcome::status() const {
  if (failed) return "failed";
  return prediction.refusal.empty() ? "answered" : "refused";
}

std::string PredictionOutcome::reason() const {
  return failed ? error : prediction.refusal;
}

std::string prediction_text(const PredictionOutcome& outcome, const model::ModelDescription& model, bool timing) {
  const model::Prediction& prediction = outcome.prediction;
  if (outcome.failed) return fmt::format("{}: failed: {}\n", outcome.record, outcome.error);
  std::string text = fmt::format("{}: {:.4g} s at {:g} Hz", outcome.record, prediction.seconds, prediction.rate);
  if (!prediction.refusal.empty()) {
    text += fmt::format("\n  refused: {}\n", prediction.refusal);
  } else {
    text += fmt::format(": {}\n", positive_text(prediction, model)) + classes_text(prediction, model);
    if (const std::string warning = synthetic_warning(model); !warning.empty())
      text += fmt::format("  warning      {}\n", warning);
  }
  const bool measured = std::any_of(prediction.leads.begin(), prediction.leads.end(),
                                    [](const model::LeadReport& lead) { return lead.quality.swing > 0; });
  text += leads_text(prediction, measured);
  if (prediction.windows > 1) text += fmt::format("  windows      {}\n", prediction.windows);
  for (const std::string& note : prediction.notes) text += fmt::format("  note         {}\n", note);
  if (timing)
    text += fmt::format("  time         read {:.2f} ms, prepare {:.2f} ms, network {:.2f} ms\n", outcome.read_ms,
                        prediction.times.prepare, prediction.times.network);
  return text;
}

std::string prediction_json(const PredictionOutcome& outcome, const model::ModelDescription& model) {
  const model::Prediction& prediction = outcome.prediction;
  json line = {{"record", outcome.record}, {"status", outcome.status()}};
  if (!outcome.reason().empty()) line["reason"] = outcome.reason();
  if (!outcome.hint.empty()) line["hint"] = outcome.hint;
  if (!outcome.failed) {
    line["rate_hz"] = prediction.rate;
    line["seconds"] = prediction.seconds;
    line["leads"] = leads_json(prediction);
    line["notes"] = prediction.notes;
    line["windows_left_out"] = prediction.windows_left_out;
    line["milliseconds"] = {
        {"read", outcome.read_ms}, {"prepare", prediction.times.prepare}, {"network", prediction.times.network}};
  }
  if (std::string warning = synthetic_warning(model); !warning.empty()) line["warning"] = std::move(warning);
  if (!prediction.probabilities.empty()) {
    line["windows"] = prediction.windows;
    line["positive"] = positive_classes(prediction, model);
    json classes = json::array();
    for (std::size_t c = 0; c < model.class_names.size(); ++c)
      classes.push_back({{"class", model.class_names[c]},
                         {"meaning", data::class_meaning(model.class_names[c], model.task)},
                         {"probability", prediction.probabilities[c]},
                         {"threshold", model.thresholds[c]},
                         {"positive", static_cast<bool>(prediction.positive[c])}});
    line["classes"] = std::move(classes);
    json features = json::object();
    for (const model::FeatureValue& feature : prediction.features)
      features[feature.name] = number_or_null(feature.value);
    line["features"] = std::move(features);
  }
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string prediction_csv_header(const model::ModelDescription& model) {
  std::string row = "record,status,reason,positive";
  for (const std::string& name : model.class_names) row += "," + data::csv_cell(name);
  return row + ",windows,rate_hz,seconds,worst_snr_db,derived_leads,warning\n";
}

std::string prediction_csv(const PredictionOutcome& outcome, const model::ModelDescription& model) {
  const model::Prediction& prediction = outcome.prediction;
  std::string row =
      fmt::format("{},{},{},{}", data::csv_cell(outcome.record), outcome.status(), data::csv_cell(outcome.reason()),
                  data::csv_cell(fmt::format("{}", fmt::join(positive_classes(prediction, model), " "))));
  for (std::size_t c = 0; c < model.class_names.size(); ++c)
    row += prediction.probabilities.empty() ? "," : fmt::format(",{:.6f}", prediction.probabilities[c]);
  const std::string warning = data::csv_cell(synthetic_warning(model));
  if (outcome.failed) return row + ",,,,,," + warning + "\n";
  std::vector<std::string> derived;
  double worst = std::nan("");
  for (const model::LeadReport& lead : prediction.leads) {
    if (!lead.formula.empty()) derived.push_back(lead.lead);
    worst = std::fmin(worst, lead.quality.snr_db);
  }
  return row + fmt::format(",{},{:g},{:g},{},{},{}\n", prediction.windows, prediction.rate, prediction.seconds,
                           std::isfinite(worst) ? fmt::format("{:.1f}", worst) : "", fmt::join(derived, " "), warning);
}

}  // namespace cardiograd::apps
