#include "model/explanation.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/delineation/r_peaks.h"
#include "engine/autograd.h"
#include "engine/precision.h"
#include "model/hc_cnn_tn.h"
#include "model/record_model.h"

namespace cardiograd::model {
namespace {

double sigmoid(double logit) {
  return 1 / (1 + std::exp(-logit));
}

// The model as one of records: itself, unless it sees crops of them.
class WholeRecords {
 public:
  explicit WholeRecords(const TrainedModel& model) : net_(*model.net) {
    const ModelDescription& d = model.description;
    if (d.cropped_from != 0) joined_.emplace(net_, d.crops(), d.record_samples());
  }
  Model& net() { return joined_ ? *joined_ : net_; }
  const RecordModel* joined() const { return joined_ ? &*joined_ : nullptr; }

 private:
  Model& net_;
  std::optional<RecordModel> joined_;
};

// `values` (samples, leads) of the model's length, added up where the recording repeats.
std::vector<double> folded(const std::vector<double>& values, std::size_t count) {
  std::vector<double> sums(count);
  for (std::size_t i = 0; i < values.size(); ++i) sums[i % count] += values[i];
  return sums;
}

struct Sum {
  double contribution = 0;
  double absolute = 0;
  double samples = 0;
};

std::vector<PartContribution> fractions(const std::vector<Sum>& sums, const std::vector<std::string>& names) {
  double absolute = 0, samples = 0;
  for (const Sum& sum : sums) {
    absolute += sum.absolute;
    samples += sum.samples;
  }
  std::vector<PartContribution> parts;
  for (std::size_t i = 0; i < sums.size(); ++i)
    parts.push_back({names[i], sums[i].contribution, absolute > 0 ? sums[i].absolute / absolute : 0,
                     samples > 0 ? sums[i].samples / samples : 0});
  return parts;
}

void add_parts(const ModelDescription& model, const BeatParts& beats, Explanation& e) {
  const std::size_t leads = model.lead_names.size();
  std::vector<Sum> by_lead(leads), by_part(kBeatPartNames.size());
  for (std::size_t i = 0; i < e.map.size(); ++i)
    for (Sum* sum : {&by_lead[i % leads], &by_part[static_cast<std::size_t>(beats.of_sample[i / leads])]}) {
      sum->contribution += e.map[i];
      sum->absolute += std::abs(e.map[i]);
      sum->samples += 1;
    }
  e.leads = fractions(by_lead, model.lead_names);
  e.parts = fractions(by_part, {kBeatPartNames.begin(), kBeatPartNames.end()});
}

// Inputs of the feature branch that belong to the feature `i`.
std::vector<std::int64_t> inputs_of(const FeatureScaling& scaling, std::size_t i) {
  std::vector<std::int64_t> inputs = {static_cast<std::int64_t>(i)};
  if (scaling.missing_flags) inputs.push_back(static_cast<std::int64_t>(scaling.names.size() + i));
  return inputs;
}

void add_features(const FeatureScaling& scaling, const RecordToExplain& record, const Attribution& attribution,
                  Explanation& e) {
  for (std::size_t i = 0; i < scaling.names.size(); ++i) {
    FeatureContribution one{scaling.names[i], record.feature_values[i], scaling.mean[i], scaling.sd[i], 0};
    for (const std::int64_t input : inputs_of(scaling, i))
      one.contribution += attribution.features[static_cast<std::size_t>(input)];
    e.features += one.contribution;
    e.feature_contributions.push_back(std::move(one));
  }
}

// The stretches of the model's samples that lie in a part of the beats; a recording that repeats has them again.
std::vector<Removal::Stretch> stretches_of(const BeatParts& beats, BeatPart part, std::int64_t samples) {
  std::vector<Removal::Stretch> stretches;
  const auto shown = static_cast<std::int64_t>(beats.of_sample.size());
  for (std::int64_t t = 0; t < samples; ++t) {
    if (beats.of_sample[static_cast<std::size_t>(t % shown)] != part) continue;
    if (!stretches.empty() && stretches.back().first + stretches.back().count == t) {
      ++stretches.back().count;
    } else {
      stretches.push_back({t, 1});
    }
  }
  return stretches;
}

// Everything that is taken away once to see what becomes of the answer, with its name.
std::vector<std::pair<std::string, Removal>> removals_of(const ModelDescription& model, const BeatParts& beats) {
  const std::int64_t samples = model.record_samples();
  std::vector<std::pair<std::string, Removal>> removals;
  std::vector<std::int64_t> all_leads(model.lead_names.size());
  std::iota(all_leads.begin(), all_leads.end(), 0);
  removals.reserve(all_leads.size());
  for (const std::int64_t lead : all_leads)
    removals.emplace_back("lead " + model.lead_names[static_cast<std::size_t>(lead)],
                          Removal{.samples = {{0, samples}}, .leads = {lead}});
  constexpr std::array<std::pair<BeatPart, const char*>, 5> kNamed = {{{BeatPart::kP, "the P waves"},
                                                                       {BeatPart::kPr, "the PR segments"},
                                                                       {BeatPart::kQrs, "the QRS complexes"},
                                                                       {BeatPart::kSt, "the ST segments"},
                                                                       {BeatPart::kT, "the T waves"}}};
  for (const auto& [part, name] : kNamed)
    if (auto stretches = stretches_of(beats, part, samples); !stretches.empty())
      removals.emplace_back(name, Removal{.samples = std::move(stretches), .leads = all_leads});
  Removal all_features;
  for (std::size_t i = 0; i < model.feature_scaling.names.size(); ++i) {
    const auto inputs = inputs_of(model.feature_scaling, i);
    all_features.features.insert(all_features.features.end(), inputs.begin(), inputs.end());
    removals.emplace_back(model.feature_scaling.names[i], Removal{.features = inputs});
  }
  if (!all_features.features.empty()) removals.emplace_back("all features", std::move(all_features));
  return removals;
}

void add_without(Model& net, const ModelDescription& model, const ExplainedCase& c, const BeatParts& beats,
                 Explanation& e) {
  const auto removals = removals_of(model, beats);
  std::vector<Removal> what;
  what.reserve(removals.size());
  for (const auto& [name, removal] : removals) what.push_back(removal);
  const std::vector<double> logits = logits_without(net, c, what);
  for (std::size_t i = 0; i < removals.size(); ++i) {
    const double probability = sigmoid(logits[i]);
    e.without.push_back({removals[i].first, probability, (probability > e.threshold) != e.positive()});
  }
}

// Grad-CAM and attention rollout of the windows, sample by sample: each window's times what the record's logit changes
// with that of the window; the rollout's such that it adds up to 1 again.
void add_tokens_of_windows(HcCnnTn& net, const RecordModel& joined, const ExplainedCase& c, Aggregate aggregate,
                           std::int64_t token, Explanation& e) {
  std::vector<ExplainedCase> windows;
  std::vector<double> logits;
  windows.reserve(joined.windows().size());
  logits.reserve(joined.windows().size());
  for (std::size_t w = 0; w < joined.windows().size(); ++w) {
    const NoGrad no_grad;
    windows.push_back({joined.window(c.signals, w), c.features, c.target});
    logits.push_back(static_cast<double>(net.forward(windows.back().signals, c.features).data()[c.target]));
  }
  const std::vector<double> slopes = joined_logit(logits, aggregate).slopes;
  const double all = std::accumulate(slopes.begin(), slopes.end(), 0.0);
  e.token = 1;
  e.grad_cam.resize(static_cast<std::size_t>(c.signals.dim(1)));
  e.rollout.resize(e.grad_cam.size());
  for (std::size_t w = 0; w < windows.size(); ++w) {
    if (slopes[w] == 0) continue;
    const std::vector<double> cam = grad_cam(net, windows[w]), part = attention_rollout(net, windows[w]);
    for (std::size_t i = 0; i < cam.size() * static_cast<std::size_t>(token); ++i) {
      const std::size_t at = static_cast<std::size_t>(joined.windows()[w]) + i,
                        from = i / static_cast<std::size_t>(token);
      e.grad_cam[at] += slopes[w] * cam[from];
      e.rollout[at] += slopes[w] / all * part[from] / static_cast<double>(token);
    }
  }
}

void add_tokens(const TrainedModel& model, const RecordModel* joined, const ExplainedCase& c, Explanation& e) {
  auto* net = dynamic_cast<HcCnnTn*>(model.net.get());
  if (net == nullptr) return;
  const std::int64_t token = std::int64_t{1} << net->config().channels.size();
  if (joined != nullptr) {
    add_tokens_of_windows(*net, *joined, c, model.description.aggregate, token, e);
    return;
  }
  e.token = token;
  e.grad_cam = grad_cam(*net, c);
  e.rollout = attention_rollout(*net, c);
}

}  // namespace

BeatParts beat_parts(const RecordToExplain& record, double rate) {
  const auto leads = static_cast<Eigen::Index>(record.signals.dim(2));
  const auto samples = static_cast<Eigen::Index>(record.samples.size()) / leads;
  Eigen::ArrayXXd signal(samples, leads);
  for (Eigen::Index t = 0; t < samples; ++t)
    for (Eigen::Index lead = 0; lead < leads; ++lead)
      signal(t, lead) = static_cast<double>(record.samples[static_cast<std::size_t>(t * leads + lead)]);
  BeatParts beats;
  beats.waves = dsp::delineate(signal, rate, dsp::detect_r_peaks(signal, rate).times_s);
  beats.of_sample.assign(static_cast<std::size_t>(samples), BeatPart::kRest);
  // From sample `from` up to, but without, sample `to`; NaN where a wave is absent marks nothing.
  const auto mark = [&](double from_s, double to_s, BeatPart part) {
    if (!(to_s > from_s)) return;
    const auto first = std::max<std::int64_t>(0, std::llround(from_s * rate));
    const auto last = std::min<std::int64_t>(samples, std::llround(to_s * rate));
    for (std::int64_t t = first; t < last; ++t) beats.of_sample[static_cast<std::size_t>(t)] = part;
  };
  for (const dsp::BeatWaves& beat : beats.waves.global) {
    mark(beat.p.offset_s, beat.qrs.onset_s, BeatPart::kPr);
    mark(beat.p.onset_s, beat.p.offset_s, BeatPart::kP);
    mark(beat.qrs.offset_s, beat.t.onset_s, BeatPart::kSt);
    mark(beat.t.onset_s, beat.t.offset_s, BeatPart::kT);
    mark(beat.qrs.onset_s, beat.qrs.offset_s, BeatPart::kQrs);
  }
  return beats;
}

std::vector<float> probabilities_of(const TrainedModel& model, const RecordToExplain& record) {
  const NoGrad no_grad;
  const MatmulPrecision precision(model.description.precision);
  model.net->set_training(false);
  WholeRecords records(model);
  std::vector<float> probabilities = records.net().forward(record.signals, record.features).values();
  for (float& value : probabilities) value = static_cast<float>(sigmoid(static_cast<double>(value)));
  return probabilities;
}

Explanation explain(const TrainedModel& model, const RecordToExplain& record, const BeatParts& beats,
                    std::int64_t target, const ExplanationSettings& settings) {
  const ModelDescription& description = model.description;
  const std::size_t leads = description.lead_names.size();
  if (record.samples.empty() || record.samples.size() != beats.of_sample.size() * leads ||
      record.feature_values.size() != description.feature_scaling.names.size())
    throw Error(fmt::format("{}: {} samples of {} leads and {} features cannot be explained", record.name,
                            beats.of_sample.size(), leads, record.feature_values.size()),
                "Take the recording that Predictor::predict() gives.");
  const MatmulPrecision precision(description.precision);
  const ExplainedCase c{record.signals, record.features, target};
  WholeRecords records(model);
  const Attribution attribution = integrated_gradients(records.net(), c, settings.integration);
  Explanation e;
  e.class_name = description.class_names[static_cast<std::size_t>(target)];
  e.task = description.task;
  e.threshold = static_cast<double>(description.thresholds[static_cast<std::size_t>(target)]);
  e.logit = attribution.logit;
  e.baseline_logit = attribution.baseline_logit;
  e.probability = sigmoid(e.logit);
  e.missed = attribution.missed();
  e.missed_fraction = attribution.missed_fraction();
  e.steps = attribution.steps;
  e.map = folded(attribution.signals, record.samples.size());
  e.signals = std::accumulate(e.map.begin(), e.map.end(), 0.0);
  add_parts(description, beats, e);
  add_features(description.feature_scaling, record, attribution, e);
  if (settings.window_s > 0) {
    e.window = std::max<std::int64_t>(1, std::llround(settings.window_s * description.rate));
    e.occlusion = occlusion(records.net(), c, e.window);
  }
  add_tokens(model, records.joined(), c, e);
  add_without(records.net(), description, c, beats, e);
  return e;
}

std::vector<std::int64_t> classes_to_explain(const ModelDescription& model, const std::vector<float>& probabilities) {
  std::vector<std::int64_t> classes;
  std::size_t nearest = 0;
  for (std::size_t c = 0; c < probabilities.size(); ++c) {
    if (probabilities[c] > model.thresholds[c]) classes.push_back(static_cast<std::int64_t>(c));
    if (probabilities[c] - model.thresholds[c] > probabilities[nearest] - model.thresholds[nearest]) nearest = c;
  }
  if (classes.empty()) classes.push_back(static_cast<std::int64_t>(nearest));
  return classes;
}

}  // namespace cardiograd::model
