#include "model/preprocessing.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "data/labeled_records.h"
#include "dsp/features/features.h"
#include "dsp/features/lead_entropies.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "ecg/leads.h"

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
  return {"demographics 1", {"age_years", "sex"}, [](const ecg::Recording&, const ecg::Person& person) {
            return std::vector<double>{person.age, person.sex};
          }};
}

data::FeatureExtractor all_features() {
  data::FeatureExtractor extractor;
  // Raise the number when a definition in dsp/ changes: cached values are then computed again.
  extractor.key = "features 2";
  for (const dsp::FeatureColumn& column : dsp::feature_columns()) {
    extractor.names.emplace_back(column.name);
    extractor.key += fmt::format(" {}", column.name);
  }
  extractor.compute = [](const ecg::Recording& recording, const ecg::Person& person) {
    return dsp::compute_features(recording, person).values;
  };
  return extractor;
}

// Of the twelve standard leads, the nine of each side by side; missing where a lead is. Gaps are bridged by straight
// lines.
data::FeatureExtractor entropies() {
  data::FeatureExtractor extractor;
  extractor.key = "entropies 1";
  for (const std::string_view lead : ecg::kStandardLeads)
    for (const std::string_view name : dsp::kLeadEntropyNames)
      extractor.names.push_back(fmt::format("{}_entropy_{}", name, lead));
  extractor.compute = [](const ecg::Recording& recording, const ecg::Person&) {
    std::vector<double> all;
    for (const std::string_view name : ecg::kStandardLeads) {
      Eigen::ArrayXd samples;
      if (const auto lead = ecg::find_lead(recording.leads, name)) {
        samples = recording.signal.col(static_cast<Eigen::Index>(*lead));
        dsp::fill_gaps(samples);
      }
      const auto values = dsp::lead_entropies({samples.data(), static_cast<std::size_t>(samples.size())});
      all.insert(all.end(), values.begin(), values.end());
    }
    return all;
  };
  return extractor;
}

}  // namespace

data::RecordingSettings recording_settings(Filter filter, data::Normalize normalize, FeatureSet features) {
  data::RecordingSettings settings;
  if (filter == Filter::kButterworth) settings.filter = band_pass(kHighHz);
  if (normalize == data::Normalize::kZscore) {
    settings.normalize = data::Normalize::kZscore;
    settings.normalize_filter = band_pass(kNormalizeHighHz);
  }
  if (features == FeatureSet::kDemographics) settings.features = demographics();
  if (features == FeatureSet::kAll) settings.features = all_features();
  if (features == FeatureSet::kEntropies) settings.features = entropies();
  return settings;
}

DataConfig data_config_of(const ModelDescription& model) {
  DataConfig config;
  config.task = model.task;
  config.rate = static_cast<std::int64_t>(model.rate);
  config.features = model.feature_set;
  config.filter = model.filter;
  config.normalize = model.normalize;
  config.unlabeled = model.unlabeled;
  config.classes = fmt::format("{}", fmt::join(model.class_names, ","));
  config.leads = fmt::format("{}", fmt::join(model.lead_names, ","));
  config.seconds = static_cast<double>(model.record_samples()) / model.rate;
  config.fold_seed = model.fold_seed;
  return config;
}

namespace {

data::Dataset prepare_own(const DataConfig& config, const PrepareOptions& options) {
  return data::prepare_labeled({.table = config.labels,
                                .folder = config.folder,
                                .classes = names_of(config.classes),
                                .leads = names_of(config.leads),
                                .rate = static_cast<double>(config.rate),
                                .seconds = config.seconds,
                                .fold_seed = static_cast<std::uint64_t>(config.fold_seed),
                                .resample = config.resample,
                                .skip_missing = config.skip_missing,
                                .skip_damaged = config.skip_damaged,
                                .skip_duplicates = config.skip_duplicates,
                                .as_trained = options.as_trained,
                                .recording = recording_settings(config.filter, config.normalize, config.features),
                                .progress = options.progress});
}

}  // namespace

data::Dataset prepare_data(const DataConfig& config, const PrepareOptions& options) {
  if (!config.labels.empty()) return prepare_own(config, options);
  data::PrepareSettings settings;
  settings.recording = recording_settings(config.filter, config.normalize, config.features);
  settings.folder = config.folder;
  settings.task = config.task;
  settings.rate = static_cast<int>(config.rate);
  settings.unlabeled = config.unlabeled;
  settings.skip_missing = config.skip_missing;
  settings.skip_damaged = config.skip_damaged;
  settings.use_cache = options.use_cache;
  settings.cache_folder = options.cache_folder;
  settings.memory = 1e6 * config.signal_memory;
  settings.progress = options.progress;
  return data::prepare(settings);
}

RecordArrays take_arrays(data::Dataset& set, const FeatureScaling& scaling, const Crops& crops) {
  RecordArrays arrays;
  arrays.records = set.records;
  arrays.samples = set.samples;
  arrays.leads = set.leads;
  arrays.crops = crops;
  arrays.classes = static_cast<std::int64_t>(set.class_names.size());
  arrays.feature_width = scaling.width();
  arrays.signals = std::exchange(set.signals, {});
  arrays.mapped = std::exchange(set.mapped, {});
  arrays.scales = set.scales;
  arrays.features = scaled_features(scaling, set.feature_names, set.features);
  arrays.labels.assign(set.labels.begin(), set.labels.end());
  return arrays;
}

void check_fits(const ModelDescription& model, const data::Dataset& set) {
  if (set.unit != model.unit)
    throw Error(fmt::format("the signals are in '{}', the model was trained on '{}'", set.unit, model.unit),
                model.unit == "z"
                    ? "Add --normalize zscore to bring the signals to the model's scale."
                    : "A model trained on millivolts cannot judge signals without a voltage scale; train one "
                      "with --normalize zscore.");
  if (set.rate != model.rate || set.samples != model.record_samples())
    throw Error(fmt::format("the signals have {} samples at {} Hz, the model was trained on {} at {} Hz", set.samples,
                            set.rate, model.record_samples(), model.rate),
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
