#include "model/pos_weight.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"

namespace cardiograd::model {

double pos_weight(std::int64_t positives, std::int64_t records, const PosWeightSettings& settings) {
  if (positives < 0 || positives > records)
    throw Error(fmt::format("{} positives of {} records, expected 0 to {}", positives, records, records));
  if (!(settings.lowest > 0.0 && settings.lowest <= settings.highest))
    throw Error(fmt::format("positive weights between {} and {}, expected 0 < lowest <= highest", settings.lowest,
                            settings.highest));
  const double odds = static_cast<double>(records - positives) / (static_cast<double>(positives) + 1e-8);
  return std::clamp(std::pow(odds, settings.exponent), settings.lowest, settings.highest);
}

std::vector<float> pos_weight(std::span<const std::uint8_t> labels, std::span<const std::string> class_names,
                              const PosWeightSettings& settings) {
  const std::size_t classes = class_names.size();
  if (classes == 0 || labels.empty() || labels.size() % classes != 0)
    throw Error(fmt::format("{} labels for {} classes, expected records x classes", labels.size(), classes));
  std::vector<std::int64_t> positives(classes);
  for (std::size_t at = 0; at < labels.size(); ++at) {
    if (labels[at] > 1)
      throw Error(fmt::format("the label of training record {}, class '{}' is {}, expected 0 or 1", at / classes,
                              class_names[at % classes], labels[at]));
    positives[at % classes] += labels[at];
  }
  const auto records = static_cast<std::int64_t>(labels.size() / classes);
  std::vector<float> weights;
  std::vector<std::string> absent;
  for (std::size_t c = 0; c < classes; ++c) {
    if (positives[c] == 0) absent.push_back(class_names[c]);
    weights.push_back(static_cast<float>(pos_weight(positives[c], records, settings)));
  }
  if (!absent.empty())
    throw Error(fmt::format("no positives among {} training records for {}: {}", records,
                            absent.size() == 1 ? "the class" : "the classes", fmt::join(absent, ", ")),
                "train on more records or folds, or on a task without this class (--task super)");
  return weights;
}

}  // namespace cardiograd::model
