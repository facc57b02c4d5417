#include "model/predictor.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "data/resample_recording.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/statistics.h"
#include "ecg/channels.h"
#include "ecg/leads.h"
#include "ecg/twelve_leads.h"
#include "engine/precision.h"
#include "model/data_loader.h"
#include "model/preprocessing.h"

namespace cardiograd::model {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSameRate = 1e-6;       // Hz
constexpr std::int64_t kBatchSize = 16;  // windows at once
constexpr std::size_t kNamedFaults = 3;  // leads that a refusal names

double milliseconds_since(Clock::time_point start) {
  return 1e3 * std::chrono::duration<double>(Clock::now() - start).count();
}

data::RecordingSettings settings_of(const ModelDescription& model, data::Normalize normalize) {
  return recording_settings(model.filter, normalize, model.feature_set);
}

// "V3: flat; V4: 34 % of the samples are missing"
std::string faults_of(const std::vector<std::string>& leads, const std::vector<dsp::LeadQuality>& qualities) {
  std::vector<std::string> faults;
  std::size_t others = 0;
  for (std::size_t lead = 0; lead < qualities.size(); ++lead) {
    if (qualities[lead].fault.empty()) continue;
    if (faults.size() == kNamedFaults) {
      ++others;
      continue;
    }
    faults.push_back(fmt::format("{}: {}", leads[lead], qualities[lead].fault));
  }
  std::string text = fmt::format("{}", fmt::join(faults, "; "));
  if (others > 0) text += fmt::format("; and {} more lead{}", others, others == 1 ? "" : "s");
  return text;
}

ecg::Recording part_of(const ecg::Recording& whole, Eigen::Index first, Eigen::Index count) {
  ecg::Recording part{whole.name, whole.rate, whole.leads, whole.units, {}, {}};
  part.signal = whole.signal.middleRows(first, count);
  return part;
}

ecg::Recording repeated(const ecg::Recording& recording, Eigen::Index samples) {
  ecg::Recording longer{recording.name, recording.rate, recording.leads, recording.units, {}, {}};
  longer.signal.resize(samples, recording.signal.cols());
  for (Eigen::Index first = 0; first < samples; first += recording.signal.rows()) {
    const Eigen::Index count = std::min(recording.signal.rows(), samples - first);
    longer.signal.middleRows(first, count) = recording.signal.topRows(count);
  }
  return longer;
}

// Beginnings of the fewest windows of `length` that cover `samples`.
std::vector<Eigen::Index> window_starts(Eigen::Index samples, Eigen::Index length) {
  const Eigen::Index count = std::max<Eigen::Index>(1, (samples + length - 1) / length);
  std::vector<Eigen::Index> starts(static_cast<std::size_t>(count), 0);
  for (Eigen::Index i = 1; i < count; ++i) starts[static_cast<std::size_t>(i)] = i * (samples - length) / (count - 1);
  return starts;
}

// Why the model cannot take these leads at all; empty when it can.
std::string misfit(const ModelDescription& model, const ecg::TwelveLeads& twelve, const Prediction& prediction) {
  const std::string& unit = twelve.recording.units.front();
  if (!twelve.missing.empty())
    return fmt::format(
        "lead{} {} missing and not derivable from those there{}", twelve.missing.size() == 1 ? "" : "s",
        fmt::join(twelve.missing, ", "),
        twelve.unused.empty() ? "" : fmt::format("; not understood: {}", fmt::join(twelve.unused, ", ")));
  const double needed = static_cast<double>(model.record_samples()) / model.rate;
  // A sample more or less is nobody's fault.
  if (prediction.seconds < kMinLengthFraction * needed - 0.5 / model.rate)
    return fmt::format("too short: {:.4g} s, at least {:.3g} s are needed", prediction.seconds,
                       kMinLengthFraction * needed);
  if (!(prediction.rate >= dsp::kMinQualityRate))
    return fmt::format("sampled at {:g} Hz, at least {:g} Hz are needed", prediction.rate, dsp::kMinQualityRate);
  if (prediction.rate > data::kHighestResampledRate)
    return fmt::format("sampled at {:g} Hz, at most {:g} Hz are possible", prediction.rate,
                       data::kHighestResampledRate);
  if (unit != "mV" && unit != "z")
    return fmt::format("the signals are in '{}', a voltage is needed: mV, uV or V where the file says its unit", unit);
  if (unit == "z" && model.unit != "z") return "the signals are standardized (unit 'z'), the model needs millivolts";
  return "";
}

void describe_leads(const ModelDescription& model, const ecg::TwelveLeads& twelve, Prediction& prediction) {
  for (const std::string& name : model.lead_names) {
    LeadReport lead;
    lead.lead = name;
    for (const ecg::DerivedLead& derived : twelve.derived)
      if (derived.lead == name) lead.formula = derived.formula;
    lead.missing = std::find(twelve.missing.begin(), twelve.missing.end(), name) != twelve.missing.end();
    prediction.leads.push_back(std::move(lead));
  }
  for (const ecg::DerivedLead& derived : twelve.derived)
    prediction.notes.push_back(fmt::format("{} = {}", derived.lead, derived.formula));
}

void note_treatment(const ModelDescription& model, const ecg::TwelveLeads& twelve, const ecg::Person& person,
                    Prediction& prediction) {
  const double needed = static_cast<double>(model.record_samples()) / model.rate;
  const auto note = [&](std::string text) { prediction.notes.push_back(std::move(text)); };
  if (std::abs(prediction.rate - model.rate) > kSameRate)
    note(fmt::format("resampled from {:g} to {:g} Hz", prediction.rate, model.rate));
  if (prediction.seconds < needed - 0.5 / model.rate)
    note(fmt::format("{:.4g} s are repeated to fill {:g} s", prediction.seconds, needed));
  if (prediction.seconds > needed + 0.5 / model.rate) note(fmt::format("mean over windows of {:g} s", needed));
  if (model.unit == "z" && twelve.recording.units.front() != "z")
    note("each lead 0.5-40 Hz and standardized, as the model needs it");
  const bool wants_person = model.feature_set == FeatureSet::kDemographics || model.feature_set == FeatureSet::kAll;
  if (wants_person && std::isnan(person.age)) note("age not known: the training median stands in");
  if (wants_person && std::isnan(person.sex)) note("sex not known: the training median stands in");
}

// Columns that the model uses and that this recording does not have, age and sex aside.
void note_missing_features(const ModelDescription& model, Prediction& prediction) {
  std::vector<std::string> missing;
  for (const FeatureValue& feature : prediction.features) {
    const auto& used = model.feature_scaling.names;
    if (!std::isnan(feature.value) || feature.name == "age_years" || feature.name == "sex") continue;
    if (std::find(used.begin(), used.end(), feature.name) != used.end()) missing.push_back(feature.name);
  }
  if (!missing.empty())
    prediction.notes.push_back(
        fmt::format("not measurable, the training median stands in: {}", fmt::join(missing, ", ")));
}

// The window (a row of `all`) whose probabilities are nearest to the mean, by the largest difference over the classes.
std::size_t nearest_window(const std::vector<float>& all, const std::vector<float>& mean) {
  std::size_t nearest = 0;
  float smallest = std::numeric_limits<float>::infinity();
  for (std::size_t window = 0; window * mean.size() < all.size(); ++window) {
    float difference = 0;
    for (std::size_t c = 0; c < mean.size(); ++c)
      difference = std::max(difference, std::abs(all[window * mean.size() + c] - mean[c]));
    if (difference >= smallest) continue;
    smallest = difference;
    nearest = window;
  }
  return nearest;
}

}  // namespace

// One stretch of the model's length.
struct Predictor::Window {
  data::PreparedRecord record;
  std::vector<double> features;
  Eigen::Index start = 0;  // in the recording at the model's rate
};

Predictor::Predictor(TrainedModel model, PredictorOptions options)
    : model_(std::move(model)),
      options_(options),
      as_trained_(settings_of(model_.description, model_.description.normalize)),
      settings_(settings_of(model_.description,
                            model_.description.unit == "z" ? data::Normalize::kZscore : model_.description.normalize)) {
  // Features are of the recording before it is repeated to the model's length.
  features_ = std::exchange(as_trained_.features, {});
  settings_.features = {};
  model_.net->set_training(false);
  model_.net->to(options_.device);
}

// The samples as they are stored may go to the model only where nothing else would happen to them.
bool Predictor::fits_exactly(const data::SourceRecording& source) const {
  const ModelDescription& model = model_.description;
  return source.digital && ecg::are_standard_leads(model.lead_names) &&
         data::needs_nothing(*source.digital, model.rate, model.record_samples());
}

// `leads` at the model's rate, of its length or shorter.
Predictor::Window Predictor::window(const ecg::Recording& leads, const data::SourceRecording& source,
                                    bool exactly) const {
  Window window;
  const data::RecordingSettings& settings = leads.units.front() == "z" ? as_trained_ : settings_;
  if (features_.compute) window.features = features_.compute(leads, source.person);
  if (exactly) {
    window.record = data::prepare_digital(settings, *source.digital, source.person);
    return window;
  }
  data::PreparedRecord known;
  known.flat_leads = data::flat_leads_of(leads.signal);
  const auto samples = static_cast<Eigen::Index>(model_.description.record_samples());
  window.record = data::prepare_recording(settings, leads.signal.rows() < samples ? repeated(leads, samples) : leads,
                                          source.person, std::move(known));
  return window;
}

// The windows that can be used; when there is none, why not goes into the refusal.
std::vector<Predictor::Window> Predictor::windows(const ecg::Recording& leads, const ecg::Recording& resampled,
                                                  const data::SourceRecording& source, Prediction& prediction) const {
  const auto length = static_cast<Eigen::Index>(model_.description.record_samples());
  const auto starts = window_starts(resampled.signal.rows(), length);
  const bool exactly = fits_exactly(source);
  std::vector<Window> usable;
  for (const Eigen::Index start : starts) {
    const Eigen::Index count = std::min(length, resampled.signal.rows());
    const ecg::Recording part = part_of(resampled, start, count);
    std::string fault;
    if (starts.size() > 1) {
      const double ratio = leads.rate / model_.description.rate;
      const auto first = static_cast<Eigen::Index>(static_cast<double>(start) * ratio);
      const auto rows = static_cast<Eigen::Index>(static_cast<double>(count) * ratio);
      const Eigen::Index there = std::min(rows, leads.signal.rows() - first);
      fault = faults_of(part.leads,
                        dsp::signal_quality(leads.signal.middleRows(first, there), leads.rate, leads.units.front()));
    } else {
      std::vector<dsp::LeadQuality> qualities;
      for (const LeadReport& lead : prediction.leads) qualities.push_back(lead.quality);
      fault = faults_of(part.leads, qualities);
    }
    if (fault.empty()) {
      const dsp::RPeaks beats = dsp::detect_r_peaks(part.signal, part.rate);
      if (beats.times_s.empty()) fault = fmt::format("no heartbeats: {}", beats.reason);
      const std::string apart = dsp::leads_apart_text(beats, part.leads);
      std::vector<std::string>& notes = prediction.notes;
      if (!apart.empty() && std::find(notes.begin(), notes.end(), apart) == notes.end()) notes.push_back(apart);
    }
    if (!fault.empty() && !options_.any_quality) {
      ++prediction.windows_left_out;
      if (prediction.refusal.empty()) prediction.refusal = fault;
      continue;
    }
    if (!fault.empty()) prediction.notes.push_back(fmt::format("answered in spite of {}", fault));
    usable.push_back(window(part, source, exactly));
    usable.back().start = start;
  }
  if (!usable.empty()) prediction.refusal.clear();
  return usable;
}

// The windows as a DataLoader takes them; labels are not known.
RecordArrays Predictor::arrays_of(const std::vector<Window>& windows) const {
  const ModelDescription& model = model_.description;
  RecordArrays arrays;
  arrays.records = static_cast<std::int64_t>(windows.size());
  arrays.samples = model.record_samples();
  arrays.leads = model.architecture.shape().leads;
  arrays.crops = model.crops();
  arrays.classes = static_cast<std::int64_t>(model.class_names.size());
  arrays.labels.resize(windows.size() * model.class_names.size());
  std::vector<float> features;
  for (const Window& window : windows) {
    arrays.signals.insert(arrays.signals.end(), window.record.signal.begin(), window.record.signal.end());
    arrays.scales.insert(arrays.scales.end(), window.record.scales.begin(), window.record.scales.end());
    for (const double value : window.features)
      features.push_back(std::isfinite(value) ? static_cast<float>(value) : std::numeric_limits<float>::quiet_NaN());
  }
  arrays.feature_width = model.feature_scaling.width();
  arrays.features = scaled_features(model.feature_scaling, features_.names, features);
  return arrays;
}

// What explain() needs of a window that became `batch`.
void Predictor::keep(const Window& window, const ecg::Recording& resampled, Batch batch, RecordToExplain& shown) const {
  const auto length = static_cast<Eigen::Index>(model_.description.record_samples());
  const ecg::Recording part =
      part_of(resampled, window.start, std::min(length, resampled.signal.rows() - window.start));
  const auto samples = static_cast<std::size_t>(part.signal.rows()),
             leads = static_cast<std::size_t>(part.signal.cols());
  shown.unit = part.units.front();
  shown.start_s = static_cast<double>(window.start) / model_.description.rate;
  shown.samples.resize(samples * leads);
  for (std::size_t lead = 0; lead < leads; ++lead) {
    const auto column = part.signal.col(static_cast<Eigen::Index>(lead));
    std::vector<double> finite;
    for (const double value : column)
      if (std::isfinite(value)) finite.push_back(value);
    const double level = finite.empty() ? 0 : dsp::median(std::move(finite));
    for (std::size_t t = 0; t < samples; ++t)
      shown.samples[t * leads + lead] = static_cast<float>(column(static_cast<Eigen::Index>(t)) - level);
  }
  shown.signals = std::move(batch.signals);
  shown.features = std::move(batch.features);
  shown.feature_values.clear();
  for (const std::string& name : model_.description.feature_scaling.names) {
    const auto found = std::find(features_.names.begin(), features_.names.end(), name);
    shown.feature_values.push_back(window.features[static_cast<std::size_t>(found - features_.names.begin())]);
  }
}

void Predictor::answer(const std::vector<Window>& windows, const ecg::Recording& resampled, Prediction& prediction,
                       RecordToExplain* shown) {
  const ModelDescription& model = model_.description;
  const DataLoader loader(arrays_of(windows), model.signal_scaling, options_.device);
  std::vector<std::int64_t> rows(windows.size());
  std::iota(rows.begin(), rows.end(), 0);
  const MatmulPrecision precision(model.precision);
  const Scores scored = score(*model_.net, loader, rows, kBatchSize, {});
  const std::size_t classes = model.class_names.size();
  for (std::size_t c = 0; c < classes; ++c) {
    double sum = 0;
    for (std::size_t w = 0; w < windows.size(); ++w) sum += static_cast<double>(scored.probabilities[w * classes + c]);
    const auto probability = static_cast<float>(sum / static_cast<double>(windows.size()));
    if (!std::isfinite(probability)) {
      prediction.refusal = "the model's output is not finite: its weights are damaged";
      return;
    }
    prediction.probabilities.push_back(probability);
    prediction.positive.push_back(probability > model.thresholds[c]);
  }
  prediction.windows = static_cast<std::int64_t>(windows.size());
  if (shown != nullptr) {
    const std::size_t window = nearest_window(scored.probabilities, prediction.probabilities);
    keep(windows[window], resampled, loader.whole(static_cast<std::int64_t>(window)), *shown);
  }
  for (std::size_t i = 0; i < features_.names.size(); ++i) {
    const double value = windows.front().features[i];
    prediction.features.push_back(
        {features_.names[i], std::isfinite(value) ? value : std::numeric_limits<double>::quiet_NaN()});
  }
}

Prediction Predictor::predict(const data::SourceRecording& source) {
  return predict(source, nullptr);
}

Prediction Predictor::predict(const data::SourceRecording& source, RecordToExplain& shown) {
  return predict(source, &shown);
}

Prediction Predictor::predict(const data::SourceRecording& source, RecordToExplain* shown) {
  const auto start = Clock::now();
  const ModelDescription& model = model_.description;
  Prediction prediction;
  prediction.rate = source.recording.rate;
  prediction.seconds = static_cast<double>(source.recording.signal.rows()) / source.recording.rate;
  const ecg::TwelveLeads twelve = ecg::named_leads(source.recording, model.lead_names);
  describe_leads(model, twelve, prediction);
  if (!source.recording.others.empty())
    prediction.notes.push_back("left aside: " + ecg::others_text(source.recording.others));
  prediction.refusal = misfit(model, twelve, prediction);
  if (!prediction.refusal.empty()) return prediction;

  const ecg::Recording& leads = twelve.recording;
  const auto qualities = dsp::signal_quality(leads.signal, leads.rate, leads.units.front());
  for (std::size_t lead = 0; lead < qualities.size(); ++lead) prediction.leads[lead].quality = qualities[lead];
  const ecg::Recording resampled = data::at_rate(leads, model.rate);
  const std::vector<Window> usable = windows(leads, resampled, source, prediction);
  prediction.times.prepare = milliseconds_since(start);
  if (usable.empty()) return prediction;
  note_treatment(model, twelve, source.person, prediction);
  if (prediction.windows_left_out > 0)
    prediction.notes.push_back(fmt::format("{} of {} windows left out: unusable", prediction.windows_left_out,
                                           prediction.windows_left_out + static_cast<std::int64_t>(usable.size())));
  const auto before = Clock::now();
  answer(usable, resampled, prediction, shown);
  prediction.times.network = milliseconds_since(before);
  note_missing_features(model, prediction);
  return prediction;
}

}  // namespace cardiograd::model
