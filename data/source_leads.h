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
  std::vector<ecg::LeftAside> others;  // what of the file is left aside already
};

// The ECG leads among them (ecg::choose_ecg_channels), which begin together, in the length that most of them have.
// Longer ones are cut and those a sample shorter shorten all, with a warning; shorter ones are left aside. Throws Error
// naming the file: no leads, no rate, no samples, no ECG.
ecg::Recording recording_of(const SourceLeads& source, const std::filesystem::path& path);

}  // namespace cardiograd::data
