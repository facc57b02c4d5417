// The leads of a file as its format has them, before it is known which of them are ECG.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "ecg/recording.h"

namespace cardiograd::data {

struct SourceLead {
  std::string name;
  std::string unit;
  std::vector<double> samples;  // NaN where one is missing
};

struct SourceLeads {
  double rate = 0;  // Hz
  std::vector<SourceLead> leads;
  std::vector<std::string> comments;
  std::string start;
};

// The ECG leads among them (ecg::choose_ecg_channels). Throws Error naming the file: no leads, no rate, leads of
// different lengths or without samples, no ECG.
ecg::Recording recording_of(const SourceLeads& source, const std::filesystem::path& path);

}  // namespace cardiograd::data
