#include "data/prepare_recording.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "data/dataset.h"
#include "dsp/filters/gaps.h"
#include "ecg/leads.h"
#include "ecg/units.h"

namespace cardiograd::data {
namespace {

constexpr double kLargestInt16 = 32767;

using LeadPositions = std::array<std::size_t, ecg::kStandardLeadCount>;

// The unit of the twelve leads; voltages count as mV.
std::string unit_of(const DigitalRecording& digital, const LeadPositions& leads) {
  std::vector<std::string> units, names;
  for (const std::size_t lead : leads) {
    units.push_back(digital.header.signals[lead].unit);
    names.push_back(digital.header.signals[lead].name);
  }
  return ecg::require_common_unit(units, names, digital.header.path.string());
}

// The twelve leads in their order, by their standard names, voltages in mV.
ecg::Recording standard_recording(const DigitalRecording& digital, const LeadPositions& leads) {
  ecg::Recording recording = ecg::select_leads(to_physical(digital), leads);
  recording.name = digital.header.path.string();
  recording.leads.assign(ecg::kStandardLeads.begin(), ecg::kStandardLeads.end());
  ecg::to_common_unit(recording);
  return recording;
}

Eigen::ArrayXXd filtered(const SignalFilter& filter, const ecg::Recording& recording, const std::string& path) {
  if (!filter.apply) return recording.signal;
  Eigen::ArrayXXd bridged = recording.signal;
  for (Eigen::Index lead = 0; lead < bridged.cols(); ++lead) dsp::fill_gaps(bridged.col(lead));
  Eigen::ArrayXXd result = filter.apply(bridged, recording.rate);
  if (result.rows() != bridged.rows() || result.cols() != bridged.cols() || !result.allFinite())
    throw Error(fmt::format("{}: the filter '{}' made {} x {} values, not all finite, of {} x {}", path,
                            filter.description, result.rows(), result.cols(), bridged.rows(), bridged.cols()),
                "The record is too short for the filter, or the filter is unstable at this rate.");
  dsp::restore_gaps(recording.signal, result);
  return result;
}

// Per lead minus the mean, by the standard deviation of the valid samples; a lead that was flat before the filter
// becomes zeros, not magnified rounding errors.
void standardize(Eigen::ArrayXXd& signal, std::int64_t flat_leads) {
  for (Eigen::Index lead = 0; lead < signal.cols(); ++lead) {
    auto column = signal.col(lead);
    const auto valid = !column.isNaN();
    const auto count = static_cast<double>(valid.count());
    if (count == 0) continue;
    column -= valid.select(column, 0.0).sum() / count;
    const double deviation = std::sqrt(valid.select(column.square(), 0.0).sum() / count);
    if (deviation > 0 && (flat_leads >> lead & 1) == 0) {
      column /= deviation;
    } else {
      column = valid.select(Eigen::ArrayXd::Zero(column.size()), column);
    }
  }
}

// Full 16-bit range for each lead.
void quantize(const Eigen::ArrayXXd& signal, PreparedRecord& record) {
  const Eigen::Index leads = signal.cols();
  for (Eigen::Index lead = 0; lead < leads; ++lead) {
    const double largest = signal.col(lead).isNaN().select(0.0, signal.col(lead)).abs().maxCoeff();
    float scale = static_cast<float>(largest / kLargestInt16);
    if (!(scale > std::numeric_limits<float>::min())) scale = 1;
    record.scales[static_cast<std::size_t>(lead)] = scale;
    for (Eigen::Index t = 0; t < signal.rows(); ++t) {
      const double value = signal(t, lead);
      const double steps = std::clamp(std::round(value / static_cast<double>(scale)), -kLargestInt16, kLargestInt16);
      record.signal[static_cast<std::size_t>(t * leads + lead)] =
          std::isnan(value) ? kInvalidInt16 : static_cast<std::int16_t>(steps);
    }
  }
}

// The ADC values themselves, where all of them less the baseline fit into 16 bits; false otherwise.
bool keep_digital(const DigitalRecording& digital, const LeadPositions& leads, PreparedRecord& record) {
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    const WfdbSignalSpec& spec = digital.header.signals[leads[lead]];
    if (spec.samples_per_frame != 1) return false;
    record.scales[lead] = static_cast<float>(ecg::millivolts_per_unit(spec.unit).value_or(1.0) / spec.gain);
    const auto& samples = digital.signals[leads[lead]];
    for (std::size_t t = 0; t < samples.size(); ++t) {
      const std::int64_t value = std::int64_t{samples[t]} - spec.baseline;
      if (samples[t] != kInvalidSample && (value < -32767 || value > 32767)) return false;
      record.signal[t * ecg::kStandardLeadCount + lead] =
          samples[t] == kInvalidSample ? kInvalidInt16 : static_cast<std::int16_t>(value);
    }
  }
  return true;
}

void count_findings(const DigitalRecording& digital, const LeadPositions& leads, PreparedRecord& record) {
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    const auto& samples = digital.signals[leads[lead]];
    record.invalid_samples += std::count(samples.begin(), samples.end(), kInvalidSample);
    std::int32_t first = kInvalidSample;
    const bool flat = std::all_of(samples.begin(), samples.end(), [&](std::int32_t sample) {
      if (first == kInvalidSample) first = sample;
      return sample == kInvalidSample || sample == first;
    });
    if (flat) record.flat_leads |= std::int64_t{1} << lead;
  }
}

bool is_standardized(const RecordingSettings& settings, const std::string& unit) {
  return settings.normalize == Normalize::kZscore && unit != "z";
}

const SignalFilter& filter_of(const RecordingSettings& settings, const std::string& unit) {
  static const SignalFilter none;
  if (is_standardized(settings, unit)) return settings.normalize_filter;
  return settings.normalize == Normalize::kZscore ? none : settings.filter;
}

void add_features(const RecordingSettings& settings, const ecg::Recording& recording, const ecg::Person& person,
                  PreparedRecord& record) {
  if (!settings.features.compute) return;
  for (const double value : settings.features.compute(recording, person))
    record.features.push_back(std::isfinite(value) ? static_cast<float>(value)
                                                   : std::numeric_limits<float>::quiet_NaN());
  if (record.features.size() != settings.features.names.size())
    throw Error(fmt::format("{}: {} features, expected {}", recording.name, record.features.size(),
                            settings.features.names.size()),
                "The feature hook must return one value per name.");
}

void store_filtered(const RecordingSettings& settings, const ecg::Recording& recording, PreparedRecord& record) {
  Eigen::ArrayXXd signal = filtered(filter_of(settings, record.source_unit), recording, recording.name);
  if (is_standardized(settings, record.source_unit)) {
    standardize(signal, record.flat_leads);
    record.unit = "z";
  }
  quantize(signal, record);
}

}  // namespace

PreparedRecord prepare_recording(const RecordingSettings& settings, const ecg::Recording& recording,
                                 const ecg::Person& person, PreparedRecord record) {
  record.source_unit = recording.units.front();
  record.unit = record.source_unit;
  record.samples = recording.signal.rows();
  record.signal.resize(static_cast<std::size_t>(recording.signal.size()));
  record.scales.resize(static_cast<std::size_t>(recording.signal.cols()));
  add_features(settings, recording, person, record);
  store_filtered(settings, recording, record);
  return record;
}

std::string filter_text(const RecordingSettings& settings, std::string_view unit_of_source) {
  if (settings.normalize == Normalize::kNone) return settings.filter.description;
  return unit_of_source == "z" ? "none" : settings.normalize_filter.description + ", z-score per record";
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

bool needs_nothing(const DigitalRecording& digital, double rate, std::int64_t samples) {
  constexpr double kSameRate = 1e-6;  // Hz
  const WfdbHeader& header = digital.header;
  const auto names = header.leads();
  const bool all = std::all_of(ecg::kStandardLeads.begin(), ecg::kStandardLeads.end(),
                               [&](std::string_view lead) { return ecg::find_lead(names, lead).has_value(); });
  const bool single = std::all_of(header.signals.begin(), header.signals.end(),
                                  [](const WfdbSignalSpec& signal) { return signal.samples_per_frame == 1; });
  return all && single && std::abs(header.rate - rate) <= kSameRate && header.samples == samples;
}

PreparedRecord prepare_digital(const RecordingSettings& settings, const DigitalRecording& digital,
                               const ecg::Person& person, PreparedRecord record) {
  const auto leads = ecg::match_standard_leads(digital.header.leads(), digital.header.path.string());
  const std::string unit = unit_of(digital, leads);
  record.source_unit = unit;
  record.unit = unit;
  record.samples = digital.header.samples;
  record.signal.resize(static_cast<std::size_t>(record.samples) * ecg::kStandardLeadCount);
  record.scales.resize(ecg::kStandardLeadCount);
  count_findings(digital, leads, record);
  const bool kept =
      !filter_of(settings, unit).apply && !is_standardized(settings, unit) && keep_digital(digital, leads, record);
  if (kept && !settings.features.compute) return record;
  const ecg::Recording recording = standard_recording(digital, leads);
  add_features(settings, recording, person, record);
  if (!kept) store_filtered(settings, recording, record);
  return record;
}

}  // namespace cardiograd::data
