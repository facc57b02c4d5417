// What prepare does with one record: read, order the leads, filter, standardize, store as int16.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/prepare.h"
#include "data/signal_cache.h"

namespace cardiograd::data {

struct PreparedRecord {
  std::int64_t samples = 0;
  std::string unit;                  // of `signal`
  std::string source_unit;           // "mV" for any voltage
  std::vector<std::int16_t> signal;  // (T, lead)
  std::vector<float> scales;         // per lead
  std::vector<float> features;
  std::int64_t invalid_samples = 0;
  std::int64_t flat_leads = 0;  // bit i set: lead i
  std::vector<std::string> files;
  std::vector<FileStamp> stamps;
};

// A recording in memory: the twelve standard leads in their order, in one unit. `record` brings what is known of it
// already (flat leads, files). Throws Error naming the recording when the filter does not fit it.
PreparedRecord prepare_recording(const PrepareSettings& settings, const Recording& recording, const PtbxlRow& row,
                                 PreparedRecord record = {});

// A WFDB record that has been read: its twelve standard leads, whatever their order; the samples as stored, where no
// filter changes them. Throws Error naming the record for missing or doubled leads and mixed units.
PreparedRecord prepare_digital(const PrepareSettings& settings, const DigitalRecording& digital, const PtbxlRow& row,
                               PreparedRecord record = {});

// `stem`: the record's path relative to the settings' folder, without extension. Throws what prepare says.
PreparedRecord prepare_record(const PrepareSettings& settings, const std::string& stem, const PtbxlRow& row);

}  // namespace cardiograd::data
