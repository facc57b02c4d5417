// The hand-crafted features of a recording: one row of numbers, and why a number is missing.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ecg/person.h"
#include "ecg/recording.h"

namespace cardiograd::dsp {

struct FeatureColumn {
  std::string_view name;  // As in features.csv.
  std::string_view unit;  // Empty for pure numbers.
  std::string_view definition;
  std::string_view needs;  // What must be there for the value not to be missing.
};

// All columns, in the order of FeatureRow::values.
std::span<const FeatureColumn> feature_columns();

struct FeatureRow {
  std::vector<double> values;        // One for each column; NaN where missing, never infinite.
  std::vector<std::string> reasons;  // One for each column; empty exactly where the value is there.
};

// Features of a recording of any leads at its rate. Voltages are in mV whatever voltage units the leads have; where a
// lead has none ("z", ...), or leads have different other units, there is no voltage scale. Lead names may be in any
// case. An age of ecg::kHiddenAge is taken as ecg::kAgeOver89.
//
// Whatever the samples are, the result is a value or a reason. Throws Error when the rate is not finite or below 50 Hz,
// or the number of names or units is not that of the leads.
FeatureRow compute_features(const ecg::Recording& recording, const ecg::Person& person);

}  // namespace cardiograd::dsp
