#include "model/predictor.h"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/error.h"
#include "data/leads.h"
#include "data/prepare_record.h"
#include "data/resample_recording.h"
#include "data/twelve_leads.h"
#include "dsp/delineation/r_peaks.h"
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

DataConfig config_of(const ModelDescription& model) {
  DataConfig config;
  config.task = model.task;
  config.rate = static_cast<std::int64_t>(model.rate);
  config.features = model.feature_set;
  config.filter = model.filter;
  config.normalize = model.normalize;
  config.unlabeled = model.unlabeled;
  return config;
}

// "V3: flat; V4: 34 % of the samples are missing"
std::string faults_of(const std::vector<dsp::LeadQuality>& qualities) {
  std::vector<std::string> faults;
  std::size_t others = 0;
  for (std::size_t lead = 0; lead < qualities.size(); ++lead) {
    if (qualities[lead].fault.empty()) continue;
    if (faults.size() == kNamedFaults) {
      ++others;
      continue;
    }
    faults.push_back(fmt::format("{}: {}", data::kStandardLeads[lead], qualities[lead].fault));
  }
  std::string text = fmt::format("{}", fmt::join(faults, "; "));
  if (others > 0) text += fmt::format("; and {} more lead{}", others, others == 1 ? "" : "s");
  return text;
}

data::Recording part_of(const data::Recording& whole, Eigen::Index first, Eigen::Index count) {
  data::Recording part{whole.name, whole.rate, whole.leads, whole.units, {}, {}};
  part.signal = whole.signal.middleRows(first, count);
  return part;
}

data::Recording repeated(const data::Recording& recording, Eigen::Index samples) {
  data::Recording longer{recording.name, recording.rate, recording.leads, recording.units, {}, {}};
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

std::int64_t flat_leads_of(const Eigen::ArrayXXd& signal) {
  std::int64_t flat = 0;
  for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) {
    const auto column = signal.col(lead);
    const auto valid = column.isFinite();
    const double high = valid.select(column, -std::numeric_limits<double>::infinity()).maxCoeff();
    const double low = valid.select(column, std::numeric_limits<double>::infinity()).minCoeff();
    if (!(high > low)) flat |= std::int64_t{1} << lead;
  }
  return flat;
}

// Why the model cannot take these leads at all; empty when it can.
std::string misfit(const ModelDescription& model, const data::TwelveLeads& twelve, const Prediction& prediction) {
  const std::string& unit = twelve.recording.units.front();
  if (!twelve.missing.empty())
    return fmt::format(
        "lead{} {} missing and not derivable from those there{}", twelve.missing.size() == 1 ? "" : "s",
        fmt::join(twelve.missing, ", "),
        twelve.unused.empty() ? "" : fmt::format("; not understood: {}", fmt::join(twelve.unused, ", ")));
  const double needed = static_cast<double>(model.architecture.shape().samples) / model.rate;
  // A sample more or less is nobody's fault.
  if (prediction.seconds < kMinShareOfLength * needed - 0.5 / model.rate)
    return fmt::format("too short: {:.4g} s, at least {:.3g} s are needed", prediction.seconds,
                       kMinShareOfLength * needed);
  if (!(prediction.rate >= dsp::kMinQualityRate))
    return fmt::format("sampled at {:g} Hz, at least {:g} Hz are needed", prediction.rate, dsp::kMinQualityRate);
  if (prediction.rate > data::kHighestResampledRate)
    return fmt::format("sampled at {:g} Hz, at most {:g} Hz are possible", prediction.rate,
                       data::kHighestResampledRate);
  if (unit != "mV" && unit != "z") return fmt::format("the signals are in '{}', a voltage is needed", unit);
  if (unit == "z" && model.unit != "z") return "the signals are standardized (unit 'z'), the model needs millivolts";
  return "";
}

void describe_leads(const data::TwelveLeads& twelve, Prediction& prediction) {
  for (const std::string_view name : data::kStandardLeads) {
    LeadReport lead;
    lead.lead = name;
    for (const data::DerivedLead& derived : twelve.derived)
      if (derived.lead == name) lead.formula = derived.formula;
    lead.missing = std::find(twelve.missing.begin(), twelve.missing.end(), name) != twelve.missing.end();
    prediction.leads.push_back(std::move(lead));
  }
  for (const data::DerivedLead& derived : twelve.derived)
    prediction.notes.push_back(fmt::format("{} = {}", derived.lead, derived.formula));
}

void note_treatment(const ModelDescription& model, const data::TwelveLeads& twelve, const data::Person& person,
                    Prediction& prediction) {
  const double needed = static_cast<double>(model.architecture.shape().samples) / model.rate;
  const auto note = [&](std::string text) { prediction.notes.push_back(std::move(text)); };
  if (std::abs(prediction.rate - model.rate) > kSameRate)
    note(fmt::format("resampled from {:g} to {:g} Hz", prediction.rate, model.rate));
  if (prediction.seconds < needed - 0.5 / model.rate)
    note(fmt::format("{:.4g} s are repeated to fill {:g} s", prediction.seconds, needed));
  if (prediction.seconds > needed + 0.5 / model.rate) note(fmt::format("mean over windows of {:g} s", needed));
  if (model.unit == "z" && twelve.recording.units.front() != "z")
    note("each lead 0.5-40 Hz and standardized, as the model needs it");
  const bool wants_person = model.feature_set != FeatureSet::kNone;
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

}  // namespace

// One stretch of the model's length.
struct Predictor::Window {
  data::PreparedRecord record;
  std::vector<double> features;
};

Predictor::Predictor(TrainedModel model, PredictorOptions options)
    : model_(std::move(model)), options_(options), as_trained_(prepare_settings(config_of(model_.description))) {
  const std::vector<std::string> standard(data::kStandardLeads.begin(), data::kStandardLeads.end());
  if (model_.description.lead_names != standard)
    throw Error(fmt::format("the model's leads are {}, expected the twelve standard ones",
                            fmt::join(model_.description.lead_names, " ")),
                "Train the model on twelve-lead records.");
  features_ = std::move(as_trained_.features);
  as_trained_.features = {};
  DataConfig config = config_of(model_.description);
  if (model_.description.unit == "z") config.normalize = data::Normalize::kZscore;
  settings_ = prepare_settings(config);
  settings_.features = {};
  model_.net->set_training(false);
  model_.net->to(options_.device);
}

// The samples as they are stored may go to the model only where nothing else would happen to them.
bool Predictor::fits_exactly(const data::SourceRecording& source) const {
  if (!source.digital) return false;
  const data::WfdbHeader& header = source.digital->header;
  const auto names = header.leads();
  const bool all = std::all_of(data::kStandardLeads.begin(), data::kStandardLeads.end(), [&](std::string_view lead) {
    return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return std::equal(name.begin(), name.end(), lead.begin(), lead.end(),
                        [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
    });
  });
  return all && std::abs(header.rate - model_.description.rate) <= kSameRate &&
         header.samples == model_.description.architecture.shape().samples;
}

// `leads` at the model's rate, of its length or shorter.
Predictor::Window Predictor::window(const data::Recording& leads, const data::SourceRecording& source,
                                    bool exactly) const {
  Window window;
  const data::PrepareSettings& settings = leads.units.front() == "z" ? as_trained_ : settings_;
  data::PtbxlRow row;
  row.age = source.person.age;
  row.sex = source.person.sex;
  if (features_.compute) window.features = features_.compute(leads, row);
  if (exactly) {
    window.record = prepare_digital(settings, *source.digital, row);
    return window;
  }
  data::PreparedRecord known;
  known.flat_leads = flat_leads_of(leads.signal);
  const auto samples = static_cast<Eigen::Index>(model_.description.architecture.shape().samples);
  window.record = prepare_recording(settings, leads.signal.rows() < samples ? repeated(leads, samples) : leads, row,
                                    std::move(known));
  return window;
}

// The windows that can be used; when there is none, why not goes into the refusal.
std::vector<Predictor::Window> Predictor::windows(const data::Recording& leads, const data::SourceRecording& source,
                                                  Prediction& prediction) const {
  const data::Recording resampled = at_rate(leads, model_.description.rate);
  const auto length = static_cast<Eigen::Index>(model_.description.architecture.shape().samples);
  const auto starts = window_starts(resampled.signal.rows(), length);
  const bool exactly = fits_exactly(source);
  std::vector<Window> usable;
  for (const Eigen::Index start : starts) {
    const Eigen::Index count = std::min(length, resampled.signal.rows());
    const data::Recording part = part_of(resampled, start, count);
    std::string fault;
    if (starts.size() > 1) {
      const double ratio = leads.rate / model_.description.rate;
      const auto first = static_cast<Eigen::Index>(static_cast<double>(start) * ratio);
      const auto rows = static_cast<Eigen::Index>(static_cast<double>(count) * ratio);
      const Eigen::Index there = std::min(rows, leads.signal.rows() - first);
      fault = faults_of(dsp::signal_quality(leads.signal.middleRows(first, there), leads.rate, leads.units.front()));
    } else {
      std::vector<dsp::LeadQuality> qualities;
      for (const LeadReport& lead : prediction.leads) qualities.push_back(lead.quality);
      fault = faults_of(qualities);
    }
    if (fault.empty()) {
      const dsp::RPeaks beats = dsp::detect_r_peaks(part.signal, part.rate);
      if (beats.times_s.empty()) fault = fmt::format("no heartbeats: {}", beats.reason);
    }
    if (!fault.empty() && !options_.any_quality) {
      ++prediction.windows_left_out;
      if (prediction.refusal.empty()) prediction.refusal = fault;
      continue;
    }
    if (!fault.empty()) prediction.notes.push_back(fmt::format("answered in spite of {}", fault));
    usable.push_back(window(part, source, exactly));
  }
  if (!usable.empty()) prediction.refusal.clear();
  return usable;
}

void Predictor::answer(const std::vector<Window>& windows, Prediction& prediction) {
  const ModelDescription& model = model_.description;
  data::Dataset set;
  set.records = static_cast<std::int64_t>(windows.size());
  set.samples = model.architecture.shape().samples;
  set.leads = model.architecture.shape().leads;
  set.rate = model.rate;
  set.unit = windows.front().record.unit;
  set.class_names = model.class_names;
  set.labels.resize(windows.size() * model.class_names.size());
  set.feature_names = features_.names;
  for (const Window& window : windows) {
    set.signals.insert(set.signals.end(), window.record.signal.begin(), window.record.signal.end());
    set.scales.insert(set.scales.end(), window.record.scales.begin(), window.record.scales.end());
    for (const double value : window.features)
      set.features.push_back(std::isfinite(value) ? static_cast<float>(value)
                                                  : std::numeric_limits<float>::quiet_NaN());
  }
  const DataLoader source(set, model.signal_scaling, model.feature_scaling, options_.device);
  std::vector<std::int64_t> rows(windows.size());
  std::iota(rows.begin(), rows.end(), 0);
  const Scores scored = score(*model_.net, source, rows, kBatchSize, {});
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
    prediction.called.push_back(probability > model.thresholds[c]);
  }
  prediction.windows = static_cast<std::int64_t>(windows.size());
  for (std::size_t i = 0; i < features_.names.size(); ++i) {
    const double value = windows.front().features[i];
    prediction.features.push_back(
        {features_.names[i], std::isfinite(value) ? value : std::numeric_limits<double>::quiet_NaN()});
  }
}

Prediction Predictor::predict(const data::SourceRecording& source) {
  const auto start = Clock::now();
  const ModelDescription& model = model_.description;
  Prediction prediction;
  prediction.rate = source.recording.rate;
  prediction.seconds = static_cast<double>(source.recording.signal.rows()) / source.recording.rate;
  const data::TwelveLeads twelve = data::twelve_leads(source.recording);
  describe_leads(twelve, prediction);
  prediction.refusal = misfit(model, twelve, prediction);
  if (!prediction.refusal.empty()) return prediction;

  const data::Recording& leads = twelve.recording;
  const auto qualities = dsp::signal_quality(leads.signal, leads.rate, leads.units.front());
  for (std::size_t lead = 0; lead < qualities.size(); ++lead) prediction.leads[lead].quality = qualities[lead];
  const std::vector<Window> usable = windows(leads, source, prediction);
  prediction.times.prepare = milliseconds_since(start);
  if (usable.empty()) return prediction;
  note_treatment(model, twelve, source.person, prediction);
  if (prediction.windows_left_out > 0)
    prediction.notes.push_back(fmt::format("{} of {} windows left out: unusable", prediction.windows_left_out,
                                           prediction.windows_left_out + static_cast<std::int64_t>(usable.size())));
  const auto before = Clock::now();
  answer(usable, prediction);
  prediction.times.network = milliseconds_since(before);
  note_missing_features(model, prediction);
  return prediction;
}

}  // namespace cardiograd::model
