// Whether the leads of a recording can be used at all: gaps, flat stretches, clipping, noise, and what else is wrong
// with them: wander, motion, mains, lost contacts.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

struct LeadQuality {
  double missing_fraction = 0;  // of the samples: NaN or infinite
  double flat_fraction = 0;     // of the samples: in stretches of a second and more without any change
  double saturated_fraction =
      0;                // of the samples: stand still at the lead's largest or smallest value after a steep slope
  double swing = 0;     // largest less smallest value, 0.7 to 40 Hz, median over 2 s; in the signal's unit
  double noise = 0;     // RMS from 20 to 40 Hz, median over 0.1 s: between QRS complexes; in its unit
  double snr_db = 0;    // 20 log10(swing / (2 noise)), 100 at most; white noise alone has 13 to 17
  double contrast = 0;  // largest value over 2 s (median) over the usual value (median), 6 to 40 Hz; 1000 at most
  double drift = 0;     // RMS below 0.7 Hz, in its unit
  double jolt = 0;      // largest change of the mean of half a second to the next one, in its unit: motion
  double mains = 0;  // amplitude at 50 or 60 Hz, whichever is larger, in its unit; 0 where the rate is 130 Hz or less
  double lost_fraction =
      0;               // of the time: in seconds with less than a tenth of the usual swing, or more than ten times
  std::string fault;   // why the lead cannot be used; empty when it can
  std::string remark;  // what is wrong with a lead that can be used, by commas; may be empty
};

// The lowest rate that the bands above need, in Hz.
inline constexpr double kMinQualityRate = 90;

// Swings outside of these no heart makes, in mV.
inline constexpr double kMinSwing = 0.02;
inline constexpr double kMaxSwing = 20;

// The quality of one lead over the pieces of a long recording, at least one: means of the fractions, medians of the
// other figures, judged anew.
LeadQuality overall_quality(std::span<const LeadQuality> pieces, const std::string& unit);

// The quality of each lead of `signal` (samples x leads, NaN = missing) at `rate` Hz. Faults: more than a tenth of the
// samples missing, more than half flat, more than 2 % saturated, SNR and contrast of noise alone, and where `unit` is
// "mV" a swing that no heart makes: below 0.02 or above 20. Whatever the samples are, the result is finite. Throws
// Error when the rate is not finite or below kMinQualityRate.
std::vector<LeadQuality> signal_quality(const Eigen::ArrayXXd& signal, double rate, const std::string& unit);

}  // namespace cardiograd::dsp
