#include "model/describe_model.h"

#include <set>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/text.h"
#include "ecg/leads.h"
#include "evaluation/thresholds.h"
#include "model/training_state.h"

namespace cardiograd::model {
namespace {

// The model's file will name them: what cannot stand there is said before the first epoch.
void check_names(const data::Dataset& set) {
  const auto check = [](const char* what, const std::string& name) {
    if (const std::string fault = name_fault(name); !fault.empty())
      throw Error(fmt::format("the {} '{}' {}", what, printable(name), fault),
                  "Rename it in the data: names are UTF-8, without blanks around them, line breaks and control "
                  "characters.");
  };
  for (const std::string& name : set.class_names) check("class", name);
  for (const std::string& name : set.lead_names) check("lead", name);
  for (const std::string& name : set.feature_names) check("feature", name);
  if (const auto same = ecg::find_same_leads(set.lead_names))
    throw Error(fmt::format("leads {} and {} are the same: '{}' and '{}'", same->first + 1, same->second + 1,
                            set.lead_names[same->first], set.lead_names[same->second]),
                "Name each lead once with --leads.");
  if (!is_signal_unit(set.unit))
    throw Error(fmt::format("the signals are in '{}', expected mV, another voltage, or z", printable(set.unit)),
                "Correct the unit in the recordings, or standardize them with --normalize zscore.");
}

}  // namespace

std::vector<std::int64_t> training_folds(const data::Dataset& set, const DataConfig& config) {
  std::set<std::int64_t> folds(set.folds.begin(), set.folds.end());
  folds.erase(config.val_fold);
  folds.erase(config.test_fold);
  return {folds.begin(), folds.end()};
}

ModelDescription describe_model(const TrainingConfig& config, const data::Dataset& set) {
  check_names(set);
  ModelDescription d;
  d.architecture = config.model;
  d.architecture.set_shape({.classes = static_cast<std::int64_t>(set.class_names.size()),
                            .features = 0,  // until the columns in use are known
                            .leads = set.leads,
                            .samples = config.crop > 0 ? config.crop : set.samples});
  if (config.crop > set.samples)
    throw Error(fmt::format("training.crop is {}, and the records have {} samples", config.crop, set.samples),
                fmt::format("Use records of at least {:.3g} s, or a smaller crop; --recipe helme, s4 and best set it.",
                            static_cast<double>(config.crop) / set.rate));
  if (config.crop > 0) d.cropped_from = set.samples;
  d.aggregate = config.aggregate;
  d.window_step = config.window_step;
  d.task = set.task;
  d.class_names = set.class_names;
  d.thresholds.assign(set.class_names.size(), evaluation::kDefaultThreshold);
  d.lead_names = set.lead_names;
  d.rate = set.rate;
  d.unit = set.unit;
  d.filter = config.data.filter;
  d.normalize = config.data.normalize;
  d.unlabeled = set.unlabeled;
  d.fold_seed = config.data.fold_seed;
  d.feature_set = config.data.features;
  d.precision = config.precision;
  d.val_folds = {config.data.val_fold};
  d.train_folds = training_folds(set, config.data);
  d.data_hash = records_hash(set);
  d.synthetic = set.synthetic;
  return d;
}

}  // namespace cardiograd::model
