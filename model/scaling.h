// What training learns about its inputs before the first step, and applies to every record afterwards: per-lead mean
// and SD of the signals, and per-column imputation and standardization of the hand-crafted features. Training folds
// only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace cardiograd::model {

// x -> (x - mean) / sd per lead.
struct SignalScaling {
  std::vector<double> mean;  // leads, in the signals' unit
  std::vector<double> sd;    // leads, > 0
};

// Mean and SD (of n) of every lead over all valid samples of the records `rows`; a lead without variation gets SD 1.
// `over_leads`: of all leads together, the same for each.
SignalScaling fit_signal_scaling(const data::Dataset& set, const std::vector<std::int64_t>& rows,
                                 bool over_leads = false);
// Mean 0 and SD 1: leaves signals as they are.
SignalScaling identity_scaling(std::int64_t leads);

// x -> clamp((x - mean) / (sd + kFeatureSdGuard), +-kMaxFeatureDeviations), with the median where x is missing.
inline constexpr double kFeatureSdGuard = 1e-8;
inline constexpr double kMaxFeatureDeviations = 5;
struct FeatureScaling {
  std::vector<std::string> names;  // the columns in use, in the model's order
  std::vector<double> median;
  std::vector<double> mean;  // of the imputed training values
  std::vector<double> sd;    // of n
  bool missing_flags = false;

  // Inputs of the model's feature branch.
  std::int64_t width() const { return static_cast<std::int64_t>(names.size()) * (missing_flags ? 2 : 1); }
};

// Columns missing in all of `rows` are dropped, with a log line that names them.
FeatureScaling fit_feature_scaling(const data::Dataset& set, const std::vector<std::int64_t>& rows, bool missing_flags);

// The model's inputs (records, width()) row-major from the values `features` (records, names), NaN where missing; flags
// (1 = was missing) follow the values. Throws Error when a column that the model uses is not among `names`.
std::vector<float> scaled_features(const FeatureScaling& scaling, std::span<const std::string> names,
                                   std::span<const float> features);

}  // namespace cardiograd::model
