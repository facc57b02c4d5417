#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "data/class_words.h"
#include "report/explanation.h"
#include "report/text.h"

namespace cardiograd::report {
namespace {

constexpr std::size_t kNamed = 3;     // leads, parts or features that a sentence names
constexpr double kWorthAName = 0.1;   // of the absolute contributions
constexpr double kWorthAWord = 0.02;  // change of a probability

std::string answer_text(const model::Explanation& why) {
  return fmt::format("{}: probability {:.3f}, {} the threshold of {:.3f}. The model {}.",
                     data::class_in_words(why.class_name, why.task), why.probability,
                     why.positive() ? "above" : "not above", why.threshold, why.positive() ? "says yes" : "says no");
}

// The largest parts that are worth a name, "V1 (31 %) and V2 (18 %)".
std::string largest_text(std::vector<model::PartContribution> parts, bool with_extent) {
  std::erase_if(parts, [](const auto& part) { return part.name == model::kBeatPartNames.back(); });
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.fraction > b.fraction; });
  std::vector<std::string> names;
  for (const model::PartContribution& part : parts) {
    if (names.size() == kNamed || (!names.empty() && part.fraction < kWorthAName)) break;
    names.push_back(with_extent ? fmt::format("{} ({:.0f} % of the weight in {:.0f} % of the time)", part.name,
                                              100 * part.fraction, 100 * part.extent)
                                : fmt::format("{} ({:.0f} %)", part.name, 100 * part.fraction));
  }
  return enumerate(names);
}

std::string sources_text(const model::Explanation& why) {
  std::string text = fmt::format(
      "For a flat ECG with average features the model's logit is {:+.2f}; for this one it is {:+.2f}. The signals add "
      "{:+.2f}",
      why.baseline_logit, why.logit, why.signals);
  text += why.feature_contributions.empty() ? ". " : fmt::format(", the features {:+.2f}. ", why.features);
  return text + fmt::format("Among the leads most weight lies on {}; within the heartbeat on {}.",
                            largest_text(why.leads, false), largest_text(why.parts, true));
}

std::string features_text(const model::Explanation& why) {
  std::vector<model::FeatureContribution> features = why.feature_contributions;
  std::stable_sort(features.begin(), features.end(),
                   [](const auto& a, const auto& b) { return std::abs(a.contribution) > std::abs(b.contribution); });
  if (features.size() > kNamed) features.resize(kNamed);
  std::vector<std::string> names;
  for (const model::FeatureContribution& one : features)
    names.push_back(
        fmt::format("{} ({}{:+.2f})", one.name, std::isnan(one.value) ? "not known, " : "", one.contribution));
  return fmt::format("Of the features, {} count{} most; above zero speaks for {}, below against it.", enumerate(names),
                     names.size() == 1 ? "s" : "", why.class_name);
}

std::string changes_text(const model::Explanation& why) {
  std::vector<std::string> flips;
  const model::Without* strongest = nullptr;
  for (const model::Without& one : why.without) {
    if (one.changes_decision) flips.push_back(fmt::format("{} ({:.3f})", one.what, one.probability));
    if (strongest == nullptr ||
        std::abs(one.probability - why.probability) > std::abs(strongest->probability - why.probability))
      strongest = &one;
  }
  if (!flips.empty())
    return fmt::format(
        "What would change the answer: without {} the decision would be the other one. Without means a "
        "flat line, or the average of the training data for a feature; in brackets the probability then.",
        flips.size() == 1 ? flips.front() : "any one of " + enumerate(flips));
  if (strongest == nullptr || std::abs(strongest->probability - why.probability) < kWorthAWord)
    return "What would change the answer: nothing that was tried alone, neither a lead, nor a wave, nor a feature; the "
           "evidence is spread.";
  return fmt::format(
      "What would change the answer: no lead, wave or feature alone. The most that one of them does is "
      "{}: without it the probability would be {:.3f} in place of {:.3f}.",
      strongest->what, strongest->probability, why.probability);
}

std::string incomplete_text(const model::Explanation& why) {
  return fmt::format(
      "The contributions are incomplete: after {} steps of integration {:.1f} % of the difference of the two logits is "
      "still missed, more than {:g} %. Read them as a rough guide.",
      grouped(why.steps), 100 * why.missed_fraction, 100 * model::kMaxMissed);
}

}  // namespace

std::string whole_words(const model::ModelDescription& model, const ExplainedRecording& recording,
                        const model::Explanation& why) {
  if (recording.windows < 2) return "";
  const auto found = std::find(model.class_names.begin(), model.class_names.end(), why.class_name);
  const double whole =
      static_cast<double>(recording.whole.at(static_cast<std::size_t>(found - model.class_names.begin())));
  const bool positive = whole > why.threshold;
  const double end = recording.record.start_s + static_cast<double>(model.record_samples()) / model.rate;
  return fmt::format(
      "The whole recording, {:.4g} s: {} has probability {:.3f}, the mean over {} windows, {} the threshold of {:.3f}. "
      "The model {}. What follows is about the window from {:.4g} to {:.4g} s alone, whose answers are nearest to the "
      "whole recording's{}.",
      recording.seconds, data::class_in_words(why.class_name, why.task), whole, recording.windows,
      positive ? "above" : "not above", why.threshold, positive ? "says yes" : "says no", recording.record.start_s, end,
      positive == why.positive() ? "" : "; its own decision is the other one");
}

std::vector<std::string> explanation_words(const model::Explanation& why) {
  std::vector<std::string> words = {answer_text(why), sources_text(why)};
  if (!why.feature_contributions.empty()) words.push_back(features_text(why));
  words.push_back(changes_text(why));
  if (!why.complete()) words.push_back(incomplete_text(why));
  return words;
}

}  // namespace cardiograd::report
