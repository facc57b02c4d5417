#include "model/preprocessing.h"

#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "dsp/features/features.h"
#include "dsp/filters/butterworth.h"

namespace cardiograd::model {
namespace {

constexpr int kFilterOrder = 4;
constexpr double kLowHz = 0.5;
constexpr double kHighHz = 45;
constexpr double kNormalizeHighHz = 40;

data::SignalFilter band_pass(double high_hz) {
  return {fmt::format("butterworth order {} {}-{} Hz zero phase", kFilterOrder, kLowHz, high_hz),
          [high_hz](const Eigen::ArrayXXd& signal, double rate) {
            return dsp::butterworth_bandpass_zero_phase(signal, rate, kLowHz, high_hz, kFilterOrder);
          }};
}

data::FeatureExtractor demographics() {
  return {"demographics 1", {"age_years", "sex"}, [](const data::Recording&, const data::PtbxlRow& row) {
            return std::vector<double>{row.age, row.sex};
          }};
}

data::FeatureExtractor all_features() {
  data::FeatureExtractor extractor;
  // Raise the number when a definition in dsp/ changes: cached values are then computed again.
  extractor.key = "features 1";
  for (const dsp::FeatureColumn& column : dsp::feature_columns()) {
    extractor.names.emplace_back(column.name);
    extractor.key += fmt::format(" {}", column.name);
  }
  extractor.compute = [](const data::Recording& recording, const data::PtbxlRow& row) {
    const std::string unit = recording.units.empty() ? "" : recording.units.front();
    return dsp::compute_features(recording.signal, recording.rate, unit, recording.leads, row.age, row.sex).values;
  };
  return extractor;
}

}  // namespace

data::PrepareSettings prepare_settings(const DataConfig& config) {
  data::PrepareSettings settings;
  settings.folder = config.folder;
  settings.task = config.task;
  settings.rate = static_cast<int>(config.rate);
  if (config.filter == Filter::kButterworth) settings.filter = band_pass(kHighHz);
  if (config.normalize == data::Normalize::kZscore) {
    settings.normalize = data::Normalize::kZscore;
    settings.normalize_filter = band_pass(kNormalizeHighHz);
  }
  settings.unlabeled = config.unlabeled;
  settings.skip_missing = config.skip_missing;
  if (config.features == FeatureSet::kDemographics) settings.features = demographics();
  if (config.features == FeatureSet::kAll) settings.features = all_features();
  return settings;
}

data::Dataset prepare_data(const DataConfig& config, const PrepareOptions& options) {
  data::PrepareSettings settings = prepare_settings(config);
  settings.use_cache = options.use_cache;
  settings.cache_folder = options.cache_folder;
  settings.progress = options.progress;
  return data::prepare(settings);
}

void check_fits(const ModelDescription& model, const data::Dataset& set) {
  if (set.unit != model.unit)
    throw Error(fmt::format("the signals are in '{}', the model was trained on '{}'", set.unit, model.unit),
                model.unit == "z"
                    ? "Add --normalize zscore to bring the signals to the model's scale."
                    : "A model trained on millivolts cannot judge signals without a voltage scale; train one "
                      "with --normalize zscore.");
  if (set.rate != model.rate || set.samples != model.architecture.shape().samples)
    throw Error(fmt::format("the signals have {} samples at {} Hz, the model was trained on {} at {} Hz", set.samples,
                            set.rate, model.architecture.shape().samples, model.rate),
                "Evaluate on records of the model's length and rate.");
  if (set.lead_names != model.lead_names)
    throw Error(fmt::format("the signals have the leads {}, the model was trained on {}",
                            fmt::join(set.lead_names, " "), fmt::join(model.lead_names, " ")),
                "Evaluate on records with the model's leads.");
  if (set.class_names != model.class_names)
    throw Error(fmt::format("the data have the classes {}, the model was trained on {}",
                            fmt::join(set.class_names, " "), fmt::join(model.class_names, " ")),
                "Use the scp_statements.csv that the model was trained with.");
}

}  // namespace cardiograd::model
