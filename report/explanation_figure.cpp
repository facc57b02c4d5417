#include "report/explanation_figure.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "report/ecg_paper.h"
#include "report/explanation.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

constexpr double kColumn_s = 0.04;      // 1 mm of paper
constexpr double kFullColor = 0.98;     // the fraction of the cells that stay below full color
constexpr double kTwiceTheAverage = 2;  // where a token's attention has full color

// Divides by the size that a few cells exceed, so that single peaks do not fade everything else.
void scale_to_one(std::vector<double>& values) {
  std::vector<double> sizes;
  for (const double value : values)
    if (value != 0) sizes.push_back(std::abs(value));
  if (sizes.empty()) return;
  const auto at = sizes.begin() + static_cast<std::ptrdiff_t>(kFullColor * static_cast<double>(sizes.size() - 1));
  std::nth_element(sizes.begin(), at, sizes.end());
  for (double& value : values) value = std::clamp(value / *at, -1.0, 1.0);
}

EcgHeat map_heat(const model::ModelDescription& model, const model::Explanation& why) {
  const std::size_t leads = model.lead_names.size();
  const auto column = static_cast<std::size_t>(std::max(1.0, std::round(kColumn_s * model.rate)));
  const std::size_t samples = why.map.size() / leads;
  EcgHeat heat;
  heat.column_s = static_cast<double>(column) / model.rate;
  heat.values.resize((samples + column - 1) / column * leads);
  for (std::size_t t = 0; t < samples; ++t)
    for (std::size_t lead = 0; lead < leads; ++lead)
      heat.values[t / column * leads + lead] += why.map[t * leads + lead];
  scale_to_one(heat.values);
  return heat;
}

EcgHeat occlusion_heat(const model::ModelDescription& model, const model::Explanation& why) {
  EcgHeat heat;
  heat.column_s = static_cast<double>(why.window) / model.rate;
  heat.values = why.occlusion;
  scale_to_one(heat.values);
  return heat;
}

std::vector<EcgTimeRow> token_rows(const model::ModelDescription& model, const model::Explanation& why) {
  if (why.token == 0) return {};
  const double column = static_cast<double>(why.token) / model.rate;
  std::vector<double> cam = why.grad_cam;
  const double largest = *std::max_element(cam.begin(), cam.end());
  for (double& value : cam) value = largest > 0 ? value / largest : 0;
  std::vector<double> rollout = why.rollout;
  for (double& value : rollout)
    value = std::clamp((value * static_cast<double>(rollout.size()) - 1) / (kTwiceTheAverage - 1), 0.0, 1.0);
  return {{"Grad-CAM of the last convolution", column, std::move(cam)},
          {"Attention rollout", column, std::move(rollout)}};
}

std::vector<EcgWave> waves_of(const dsp::Delineation& all) {
  std::vector<EcgWave> waves;
  for (std::size_t lead = 0; lead < all.leads.size(); ++lead)
    for (const dsp::BeatWaves& beat : all.leads[lead])
      for (const auto& [kind, wave] :
           {std::pair{EcgWaveKind::p, &beat.p}, {EcgWaveKind::qrs, &beat.qrs}, {EcgWaveKind::t, &beat.t}})
        if (wave->present()) waves.push_back({lead, kind, wave->onset_s, wave->offset_s});
  return waves;
}

EcgStrip strip_of(const model::ModelDescription& model, const ExplainedRecording& recording) {
  EcgStrip strip;
  strip.samples = recording.record.samples;
  strip.lead_names = model.lead_names;
  strip.rate = model.rate;
  strip.unit = recording.record.unit;
  strip.waves = waves_of(recording.beats.waves);
  return strip;
}

}  // namespace

EcgDrawing draw_map(const model::ModelDescription& model, const ExplainedRecording& recording,
                    const model::Explanation& why, const std::string& id) {
  EcgStrip strip = strip_of(model, recording);
  strip.heat = map_heat(model, why);
  strip.time_rows = token_rows(model, why);
  return draw_ecg({id, fmt::format("Contributions to {} over the ECG of {}", why.class_name, recording.record.name),
                   explanation_words(why)[1]},
                  strip);
}

EcgDrawing draw_occlusion(const model::ModelDescription& model, const ExplainedRecording& recording,
                          const model::Explanation& why, const std::string& id) {
  EcgStrip strip = strip_of(model, recording);
  strip.heat = occlusion_heat(model, why);
  return draw_ecg({id, fmt::format("Occlusion for {} over the ECG of {}", why.class_name, recording.record.name),
                   "How much the logit changes when a lead is flat for the length of a window."},
                  strip);
}

std::string explanation_svg(const model::ModelDescription& model, const ExplainedRecording& recording,
                            const model::Explanation& why) {
  EcgStrip strip = strip_of(model, recording);
  strip.heat = map_heat(model, why);
  strip.heat.above = "speaks for " + why.class_name;
  strip.heat.below = "speaks against it";
  strip.time_rows = token_rows(model, why);
  const std::vector<std::string> words = explanation_words(why);
  const std::string name = std::filesystem::path(recording.record.name).filename().string();
  std::vector<std::string> heading = {
      words[0], "Integrated gradients of the model's logit. Research only, not a medical device."};
  if (recording.windows > 1)
    heading.push_back(fmt::format("One of {} windows of the recording, from {:.4g} s on.", recording.windows,
                                  recording.record.start_s));
  if (const std::string warning = synthetic_warning(model); !warning.empty())
    heading.push_back(fmt::format("Beware: {}.", warning));
  return draw_ecg_file({"explanation", fmt::format("{}: why {}", name, why.class_name), words[1]}, strip, heading);
}

}  // namespace cardiograd::report
