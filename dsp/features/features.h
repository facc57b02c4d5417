// The hand-crafted features of a recording: one row of numbers, and why a number is missing.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <Eigen/Core>

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

// Features of `signal` (samples x leads, NaN = missing sample) at `rate` Hz. `unit` is that of the samples ("mV", "uV",
// ...; anything else means no voltage scale), `lead_names` has a name for each lead in any case. `age_years` as
// recorded (PTB-XL writes 300 for over 89: taken as 90), `sex` 0 male, 1 female, both NaN when unknown.
//
// Whatever the samples are, the result is a value or a reason. Throws Error when the rate is not finite or below 50 Hz,
// or the number of names is not that of the leads.
FeatureRow compute_features(const Eigen::ArrayXXd& signal, double rate, std::string_view unit,
                            std::span<const std::string> lead_names, double age_years, double sex);

}  // namespace cardiograd::dsp
