#include "model/known_folds.h"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "model/training_state.h"

namespace cardiograd::model {
namespace {

std::vector<std::int64_t> common(const std::vector<std::int64_t>& folds, const std::vector<std::int64_t>& others) {
  std::vector<std::int64_t> both;
  for (const std::int64_t fold : folds)
    if (std::find(others.begin(), others.end(), fold) != others.end()) both.push_back(fold);
  return both;
}

}  // namespace

KnownFolds known_folds(const ModelDescription& model, const data::Dataset& set,
                       const std::vector<std::int64_t>& folds) {
  const std::string hash = records_hash(set);
  KnownFolds known;
  if (model.calibration_hash == hash) known.calibration = common(folds, model.calibration_folds);
  if (!model.data_hash.empty()) known.data = model.data_hash == hash ? DataOrigin::kOwn : DataOrigin::kOther;
  if (known.data == DataOrigin::kOther) return known;
  known.training = common(folds, model.train_folds);
  known.validation = common(folds, model.val_folds);
  return known;
}

std::vector<std::string> known_folds_words(const KnownFolds& known, const std::string& name) {
  const char* condition = known.data == DataOrigin::kUnknown ? ", if these are the data that it was trained on" : "";
  std::vector<std::string> words;
  const auto add = [&](const std::vector<std::int64_t>& folds, const std::string& what, const char* figures) {
    if (folds.empty()) return;
    const bool one = folds.size() == 1;
    words.push_back(fmt::format("fold{} {} {}: {} figures are {}", one ? "" : "s", fmt::join(folds, ", "), what,
                                one ? "its" : "their", figures));
  };
  add(known.training, fmt::format("trained {}{}", name, condition), "no test");
  add(known.validation, fmt::format("chose {}'s epoch and thresholds{}", name, condition), "optimistic");
  add(known.calibration, fmt::format("calibrated {}'s probabilities", name), "optimistic");
  return words;
}

void warn_of_known_folds(const KnownFolds& known, const std::string& name) {
  for (const std::string& words : known_folds_words(known, name)) log_warning("{}", words);
}

}  // namespace cardiograd::model
