// What becomes of one recording before a model sees it: leads in order, filtered, standardized, stored as int16.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include "base/enum_words.h"
#include "data/signal_cache.h"
#include "data/wfdb.h"
#include "ecg/person.h"
#include "ecg/recording.h"

namespace cardiograd::data {

// A filter of whole signals, and its name for the cache's key and the model file.
struct SignalFilter {
  std::string description = "none";
  // (samples, leads) at `rate` Hz to the same shape; empty: no filter. Called from several threads at once, never with
  // a NaN: gaps are bridged by straight lines first and are gaps again afterwards.
  std::function<Eigen::ArrayXXd(const Eigen::ArrayXXd& signal, double rate)> apply;
};

// Hand-crafted features, one row per record.
struct FeatureExtractor {
  std::string key;                 // changes whenever the values may change: part of the cache's key
  std::vector<std::string> names;  // of the columns
  // One value per name; what is not finite counts as missing. Gets the recording unfiltered, the twelve standard leads
  // in their order, in mV where the source has a voltage. Called from several threads at once. Empty: no features.
  std::function<std::vector<double>(const ecg::Recording& recording, const ecg::Person& person)> compute;
};

enum class Normalize { kNone, kZscore };
// Words for options and files, with their meanings.
constexpr EnumWords<Normalize, 2> enum_words(Normalize) {
  return {{{Normalize::kNone, "none", "as they are"},
           {Normalize::kZscore, "zscore", "0.5-40 Hz, then mean 0 and SD 1 per record and lead"}}};
}

struct RecordingSettings {
  SignalFilter filter;
  // kZscore: instead of `filter`, `normalize_filter` (0.5-40 Hz is meant) and then per record and lead minus the mean,
  // by the standard deviation (of n, not n-1); the unit becomes "z". Signals whose unit is "z" already stay as they
  // are.
  Normalize normalize = Normalize::kNone;
  SignalFilter normalize_filter;
  FeatureExtractor features;
};

// What is done to signals of this unit, in words.
std::string filter_text(const RecordingSettings& settings, std::string_view unit_of_source);

struct PreparedRecord {
  std::int64_t samples = 0;
  std::string unit;                  // of `signal`
  std::string source_unit;           // "mV" for any voltage
  std::vector<std::int16_t> signal;  // (T, lead); physical value = int16 · scale; kInvalidInt16 where invalid
  std::vector<float> scales;         // per lead
  std::vector<float> features;
  std::int64_t invalid_samples = 0;
  std::int64_t flat_leads = 0;  // bit i set: lead i
  std::vector<std::string> files;
  std::vector<FileStamp> stamps;
};

// Bit i set: lead i of (samples, leads) has one value throughout, or none.
std::int64_t flat_leads_of(const Eigen::ArrayXXd& signal);

// Whether a WFDB record is one of prepare_digital(): of this rate and length, with the twelve standard leads, none at
// several samples per frame. Then nothing else needs to be done to it.
bool needs_nothing(const DigitalRecording& digital, double rate, std::int64_t samples);

// A recording in memory: its leads in the model's order (at most 63), in one unit. `record` brings what is known of it
// already (flat leads, files). Throws Error naming the recording when the filter does not fit it.
PreparedRecord prepare_recording(const RecordingSettings& settings, const ecg::Recording& recording,
                                 const ecg::Person& person, PreparedRecord record = {});

// A WFDB record that has been read: its twelve standard leads, whatever their order; the samples as stored, where no
// filter changes them. Throws Error naming the record for missing or doubled leads and mixed units.
PreparedRecord prepare_digital(const RecordingSettings& settings, const DigitalRecording& digital,
                               const ecg::Person& person, PreparedRecord record = {});

}  // namespace cardiograd::data
