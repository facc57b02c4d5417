// An ECG in memory: named leads at one rate, with their units.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::ecg {

// A signal of the source that is no ECG lead, or does not fit to the leads.
struct LeftAside {
  std::string name;
  std::string reason;  // "unit mmHg", "no name of an ECG lead", "at 125 Hz"
};

struct Recording {
  std::string name;                // for messages: the record's name or its file
  double rate = 0;                 // Hz
  std::vector<std::string> leads;  // as the source spells them
  std::vector<std::string> units;  // canonical (canonical_unit), one per lead
  Eigen::ArrayXXd signal;          // (samples, leads) in these units; NaN where a sample is missing
  std::vector<std::string> comments;
  std::vector<LeftAside> others = {};  // what a reader of ECG files has left aside
  std::string start = {};              // "2020-05-12 12:33:59", "12:33:59"; empty where the file does not say
};

// The leads at `positions`, in that order, with name, rate and comments of `recording`. Every position must be less
// than the number of leads.
Recording select_leads(const Recording& recording, std::span<const std::size_t> positions);

}  // namespace cardiograd::ecg
