#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "dsp/features/features.h"
#include "dsp/features/usual_range.h"
#include "report/explanation.h"

namespace cardiograd::report {
namespace {

using nlohmann::json;

json or_null(double value) {
  return std::isfinite(value) ? json(value) : json(nullptr);
}

json parts_json(const std::vector<model::PartContribution>& parts) {
  json list = json::array();
  for (const model::PartContribution& part : parts)
    list.push_back({{"name", part.name},
                    {"contribution", or_null(part.contribution)},
                    {"fraction", or_null(part.fraction)},
                    {"extent", or_null(part.extent)}});
  return list;
}

json feature_json(const model::FeatureContribution& feature) {
  json one = {{"name", feature.name},
              {"value", or_null(feature.value)},
              {"training_mean", feature.training_mean},
              {"training_sd", feature.training_sd},
              {"contribution", feature.contribution}};
  const auto usual = dsp::usual_range(feature.name);
  one["usual"] = usual ? json({{"low", usual->low}, {"high", usual->high}}) : json(nullptr);
  for (const dsp::FeatureColumn& column : dsp::feature_columns())
    if (column.name == feature.name) {
      one["unit"] = column.unit;
      one["meaning"] = column.definition;
    }
  return one;
}

json numbers(const std::vector<double>& values) {
  json list = json::array();
  for (const double value : values) list.push_back(or_null(value));
  return list;
}

}  // namespace

json explanation_json(const model::ModelDescription& model, const ExplainedRecording& recording,
                      const model::Explanation& why) {
  json one = {{"record", recording.record.name},
              {"status", "explained"},
              {"start_s", recording.record.start_s},
              {"rate_hz", model.rate},
              {"leads", model.lead_names},
              {"class", why.class_name},
              {"probability", why.probability},
              {"threshold", why.threshold},
              {"positive", why.positive()},
              {"logit", why.logit},
              {"baseline_logit", why.baseline_logit},
              {"missed", why.missed},
              {"missed_fraction", or_null(why.missed_fraction)},
              {"steps", why.steps},
              {"signals_contribution", why.signals},
              {"features_contribution", why.features},
              {"by_lead", parts_json(why.leads)},
              {"by_part", parts_json(why.parts)},
              {"words", explanation_words(why)},
              {"map", numbers(why.map)},
              {"occlusion_window", why.window},
              {"occlusion", numbers(why.occlusion)},
              {"token", why.token},
              {"grad_cam", numbers(why.grad_cam)},
              {"attention_rollout", numbers(why.rollout)}};
  if (recording.windows > 1) {
    const auto found = std::find(model.class_names.begin(), model.class_names.end(), why.class_name);
    const float whole = recording.whole.at(static_cast<std::size_t>(found - model.class_names.begin()));
    one["whole_recording"] = {{"seconds", recording.seconds},
                              {"windows", recording.windows},
                              {"probability", whole},
                              {"positive", static_cast<double>(whole) > why.threshold},
                              {"words", whole_words(model, recording, why)}};
  }
  for (std::size_t c = 0; c < recording.probabilities.size(); ++c)
    one["probabilities"][model.class_names[c]] = recording.probabilities[c];
  one["notes"] = recording.notes;
  if (std::string warning = synthetic_warning(model); !warning.empty()) one["warning"] = std::move(warning);
  one["features"] = json::array();
  for (const model::FeatureContribution& feature : why.feature_contributions)
    one["features"].push_back(feature_json(feature));
  one["without"] = json::array();
  for (const model::Without& without : why.without)
    one["without"].push_back(
        {{"what", without.what}, {"probability", without.probability}, {"changes_decision", without.changes_decision}});
  one["parts_of_samples"] = json::array();
  for (const model::BeatPart part : recording.beats.of_sample)
    one["parts_of_samples"].push_back(model::kBeatPartNames.at(static_cast<std::size_t>(part)));
  one["inputs"] = {{"signals", recording.record.signals.values()}};
  if (recording.record.features.defined()) one["inputs"]["features"] = recording.record.features.values();
  return one;
}

}  // namespace cardiograd::report
