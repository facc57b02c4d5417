// The hand-crafted features of a recording: one row of numbers, and why a number is missing.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dsp/delineation/delineation.h"
#include "dsp/delineation/r_peaks.h"
#include "dsp/delineation/working_signal.h"
#include "dsp/features/beat_features.h"
#include "dsp/features/spectrum.h"
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

// The features of a recording that is given piece by piece, the pieces in the order of time. Of one piece they are
// those of compute_features. Of several they are those of the whole recording, but for t_alternans_uv (median of the
// pieces), p_correlation (median of the pieces' pairs) and the ends of the pieces in the spectra. Leads are in mV or
// have no voltage scale.
class FeatureSums {
 public:
  // Leads and units as of the recording; `preferred`: the lead to measure in, where it has beats.
  FeatureSums(std::vector<std::string> leads, bool in_millivolts, std::optional<std::size_t> preferred);

  // Beats of a piece (Delineation of these beats alone), with the signal that they were found in.
  void add_beats(const WorkingSignal& signal, const Delineation& waves);
  // The lead that is measured; known once beats were added. Nothing where no lead has a signal.
  std::optional<std::size_t> measured() const { return measured_; }
  // Samples of that lead, NaN = missing; at least 2.56 s of them, unless they are all there is.
  void add_samples(const Eigen::ArrayXd& lead, double rate);
  // `peaks` and the global beats of `waves` are those of the whole recording.
  FeatureRow row(const RPeaks& peaks, const Delineation& waves, const ecg::Person& person) const;

 private:
  struct Part {  // Of the energy of a signal at one wavelet level.
    double energy, entropy;
  };
  static double entropy_of(const std::vector<Part>& parts);

  std::vector<std::string> leads_;
  bool in_millivolts_;
  std::optional<std::size_t> measured_;
  LeadFeatures lead_;
  std::vector<double> alternans_;
  bool has_qrs_ = false;
  std::optional<Spectrum> spectrum_;  // The sum over the pieces, weighted by their segments.
  double first_segments_ = 0.0;
  std::vector<Part> level_3_, level_4_;
  std::string why_centroid_ = "no lead has a signal", why_wavelet_ = why_centroid_;
};

// Lead II, if it has a signal (samples x leads, NaN = missing).
std::optional<std::size_t> lead_two(const Eigen::ArrayXXd& signal, std::span<const std::string> names);

}  // namespace cardiograd::dsp
