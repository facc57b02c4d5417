#include "data/prepare_record.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "base/error.h"
#include "data/leads.h"
#include "dsp/filters/gaps.h"

namespace cardiograd::data {
namespace {

namespace fs = std::filesystem;

constexpr Eigen::Index kLeads = static_cast<Eigen::Index>(kStandardLeadCount);
constexpr double kLargestInt16 = 32767;

// The one unit of the twelve leads, canonical; voltages count as mV.
std::string common_unit(const DigitalRecording& digital, const std::array<std::size_t, kStandardLeadCount>& leads) {
  std::string unit;
  for (const std::size_t lead : leads) {
    const auto& spec = digital.header.signals[lead];
    const std::string own = millivolts_per_unit(spec.unit) ? "mV" : spec.unit;
    if (!unit.empty() && own != unit)
      throw Error(fmt::format("{}: lead {} is in {}, other leads in {}", digital.header.path.string(), spec.name,
                              spec.unit, unit),
                  "The leads of a record must share one unit.");
    unit = own;
  }
  return unit;
}

// The twelve leads in their order, voltages in mV.
Recording standard_recording(const DigitalRecording& digital, const std::array<std::size_t, kStandardLeadCount>& leads,
                             const std::string& unit) {
  Recording all = to_physical(digital);
  Recording recording{std::move(all.name), all.rate, {}, {}, {}, std::move(all.comments)};
  recording.signal.resize(all.signal.rows(), kLeads);
  for (std::size_t i = 0; i < leads.size(); ++i) {
    const double factor = millivolts_per_unit(digital.header.signals[leads[i]].unit).value_or(1.0);
    recording.signal.col(static_cast<Eigen::Index>(i)) = all.signal.col(static_cast<Eigen::Index>(leads[i])) * factor;
    recording.leads.emplace_back(kStandardLeads[i]);
    recording.units.push_back(unit);
  }
  return recording;
}

Eigen::ArrayXXd filtered(const SignalFilter& filter, const Recording& recording, const std::string& path) {
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
  for (Eigen::Index lead = 0; lead < kLeads; ++lead) {
    const double largest = signal.col(lead).isNaN().select(0.0, signal.col(lead)).abs().maxCoeff();
    float scale = static_cast<float>(largest / kLargestInt16);
    if (!(scale > std::numeric_limits<float>::min())) scale = 1;
    record.scales[static_cast<std::size_t>(lead)] = scale;
    for (Eigen::Index t = 0; t < signal.rows(); ++t) {
      const double value = signal(t, lead);
      const double steps = std::clamp(std::round(value / static_cast<double>(scale)), -kLargestInt16, kLargestInt16);
      record.signal[static_cast<std::size_t>(t * kLeads + lead)] =
          std::isnan(value) ? kInvalidInt16 : static_cast<std::int16_t>(steps);
    }
  }
}

// The ADC values themselves, where all of them less the baseline fit into 16 bits; false otherwise.
bool keep_digital(const DigitalRecording& digital, const std::array<std::size_t, kStandardLeadCount>& leads,
                  PreparedRecord& record) {
  for (std::size_t lead = 0; lead < leads.size(); ++lead) {
    const WfdbSignalSpec& spec = digital.header.signals[leads[lead]];
    if (spec.samples_per_frame != 1) return false;
    record.scales[lead] = static_cast<float>(millivolts_per_unit(spec.unit).value_or(1.0) / spec.gain);
    const auto& samples = digital.signals[leads[lead]];
    for (std::size_t t = 0; t < samples.size(); ++t) {
      const std::int64_t value = std::int64_t{samples[t]} - spec.baseline;
      if (samples[t] != kInvalidSample && (value < -32767 || value > 32767)) return false;
      record.signal[t * kStandardLeadCount + lead] =
          samples[t] == kInvalidSample ? kInvalidInt16 : static_cast<std::int16_t>(value);
    }
  }
  return true;
}

void count_findings(const DigitalRecording& digital, const std::array<std::size_t, kStandardLeadCount>& leads,
                    PreparedRecord& record) {
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

// Reads the record with stamps of its files. They are taken before the reading: a file that changes meanwhile then
// looks changed to the next run.
DigitalRecording read_stamped(const fs::path& folder, const std::string& stem, PreparedRecord& record) {
  const WfdbHeader header = read_wfdb_header(folder / (stem + ".hea"));
  std::map<fs::path, FileStamp> stamps;
  stamps[header.path] = stamp_of(header.path).value_or(FileStamp{});
  for (const auto& signal : header.signals) {
    const fs::path path = header.path.parent_path() / signal.file;
    if (!stamps.contains(path)) stamps[path] = stamp_of(path).value_or(FileStamp{});
  }
  auto digital = read_wfdb_digital(header.path, [&](const fs::path& path, std::string_view content) {
    FileStamp stamp = stamps[path];
    stamp.hash = content_hash(content);
    record.files.push_back(path.lexically_relative(folder).string());
    record.stamps.push_back(stamp);
  });
  return digital;
}

bool is_standardized(const PrepareSettings& settings, const std::string& unit) {
  return settings.normalize == Normalize::kZscore && unit != "z";
}

const SignalFilter& filter_of(const PrepareSettings& settings, const std::string& unit) {
  static const SignalFilter none;
  if (is_standardized(settings, unit)) return settings.normalize_filter;
  return settings.normalize == Normalize::kZscore ? none : settings.filter;
}

void add_features(const PrepareSettings& settings, const Recording& recording, const PtbxlRow& row,
                  PreparedRecord& record) {
  if (!settings.features.compute) return;
  for (const double value : settings.features.compute(recording, row))
    record.features.push_back(std::isfinite(value) ? static_cast<float>(value)
                                                   : std::numeric_limits<float>::quiet_NaN());
  if (record.features.size() != settings.features.names.size())
    throw Error(fmt::format("{}: {} features, expected {}", recording.name, record.features.size(),
                            settings.features.names.size()),
                "The feature hook must return one value per name.");
}

void store_filtered(const PrepareSettings& settings, const Recording& recording, PreparedRecord& record) {
  Eigen::ArrayXXd signal = filtered(filter_of(settings, record.source_unit), recording, recording.name);
  if (is_standardized(settings, record.source_unit)) {
    standardize(signal, record.flat_leads);
    record.unit = "z";
  }
  quantize(signal, record);
}

}  // namespace

PreparedRecord prepare_recording(const PrepareSettings& settings, const Recording& recording, const PtbxlRow& row,
                                 PreparedRecord record) {
  record.source_unit = recording.units.front();
  record.unit = record.source_unit;
  record.samples = recording.signal.rows();
  record.signal.resize(static_cast<std::size_t>(record.samples) * kStandardLeadCount);
  record.scales.resize(kStandardLeadCount);
  add_features(settings, recording, row, record);
  store_filtered(settings, recording, record);
  return record;
}

PreparedRecord prepare_digital(const PrepareSettings& settings, const DigitalRecording& digital, const PtbxlRow& row,
                               PreparedRecord record) {
  const std::string path = digital.header.path.string();
  const auto leads = match_standard_leads(digital.header.leads(), path);
  const std::string unit = common_unit(digital, leads);
  record.source_unit = unit;
  record.unit = unit;
  record.samples = digital.header.samples;
  record.signal.resize(static_cast<std::size_t>(record.samples) * kStandardLeadCount);
  record.scales.resize(kStandardLeadCount);
  count_findings(digital, leads, record);
  const bool kept =
      !filter_of(settings, unit).apply && !is_standardized(settings, unit) && keep_digital(digital, leads, record);
  if (kept && !settings.features.compute) return record;
  Recording recording = standard_recording(digital, leads, unit);
  recording.name = path;
  add_features(settings, recording, row, record);
  if (!kept) store_filtered(settings, recording, record);
  return record;
}

PreparedRecord prepare_record(const PrepareSettings& settings, const std::string& stem, const PtbxlRow& row) {
  PreparedRecord record;
  const DigitalRecording digital = read_stamped(settings.folder, stem, record);
  if (std::abs(digital.header.rate - settings.rate) > 1e-6)
    throw Error(fmt::format("{}: sampling rate {} Hz, expected {}", digital.header.path.string(), digital.header.rate,
                            settings.rate),
                "Choose the rate that the records have.");
  return prepare_digital(settings, digital, row, std::move(record));
}

}  // namespace cardiograd::data
