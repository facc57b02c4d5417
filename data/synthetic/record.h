// One synthetic 12-lead ECG of ten seconds, and where its waves truly lie.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "data/synthetic/heart.h"
#include "data/synthetic/noise.h"
#include "ecg/wave.h"

namespace cardiograd::data::synthetic {

inline constexpr double kSeconds = 10;
inline constexpr double kRate = 500;  // Hz at which records are made; 100 Hz is made from it

// Everything that determines a record: equal plans give equal samples, on any number of threads.
struct RecordPlan {
  std::uint64_t seed = 0;
  std::int64_t record = 0;   // draws rhythm, breath and noise
  std::int64_t patient = 0;  // draws body, heart and how severe each statement is
  ecg::Person person{.age = 50, .sex = ecg::kMale};
  std::vector<std::string> statements{};  // diagnostic codes, in any order
  bool fibrillation = false;              // of the atria
  int premature_beats = 0;                // 0 ... 2, ventricular
  NoiseLevel noise = NoiseLevel::kTypical;
  bool with_truth = false;  // whether SyntheticRecord::truth is filled in; changes nothing else
};

// Boundaries outside the record are NaN.
struct TrueBeat {
  int lead = -1;  // index into ecg::kStandardLeads; -1: all leads together
  int beat = 0;   // from 1, in the order of time
  ecg::Wave p, qrs, t;
};

struct SyntheticRecord {
  Eigen::ArrayXXd signal;       // (5000, 12) in mV at kRate, leads as ecg::kStandardLeads
  std::vector<TrueBeat> truth;  // for each beat all leads together, then each lead
  NoiseRemarks remarks;
  double frontal_axis_deg = 0;
  double rate_bpm = 0;             // mean of the ventricles; 0 with fewer than two beats
  std::vector<double> severities;  // 0 ... 1, one per statement of the plan
};

// Throws Error for a statement that is none of the 44 or occurs twice.
SyntheticRecord synthesize_record(const RecordPlan& plan);

// To 100 Hz (1000 samples): a linear-phase low-pass, then every fifth sample. Leads are filtered alike, so that what
// holds between them still does; III, aVR, aVL and aVF are derived anew.
Eigen::ArrayXXd to_100_hz(const Eigen::ArrayXXd& signal);

}  // namespace cardiograd::data::synthetic
