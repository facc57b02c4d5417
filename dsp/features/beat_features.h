// Features of the waves of the beats: the columns qrs_*, t_*, qt_* and p_* of the feature table.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/delineation.h"

namespace cardiograd::dsp {

// One value for each beat that has it. Voltages in the unit of the signal, taken from the prepared signal (0.5 to 40
// Hz, about 500 Hz) of one lead with the boundaries of that lead.
struct LeadFeatures {
  std::vector<double> qrs_amplitude;          // max - min within the QRS complex.
  std::vector<double> qrs_area;               // Integral over the QRS of |x - x(onset)|, trapezoid, unit * ms.
  std::vector<double> qrs_slope;              // max |dx/dt| within the QRS, five-point derivative, unit / s.
  std::vector<double> t_amplitude;            // The largest deflection within T from the level at QRS onset, signed.
  std::vector<double> t_mpe;                  // Multiscale permutation entropy of T onset ... T end at 250 Hz.
  std::vector<double> p_sample_entropy;       // Of P onset - 40 ms ... P end + 40 ms at 500 Hz.
  std::vector<double> p_approximate_entropy;  // The same.
  std::vector<double> p_correlations;         // Pearson's r of pairs of P waves, 20 ms more on either side, 64 points.
};
LeadFeatures lead_features(const WorkingSignal& signal, const Delineation& waves, std::size_t lead);

// Of the global boundaries, in ms, one value for each beat that has it.
std::vector<double> qrs_durations_ms(const Delineation& waves);
std::vector<double> qt_intervals_ms(const Delineation& waves);  // 200 to 700 ms.

// Whether noise can hide P (Delineation::p_hidden) in half of the beats or more, and none has one.
bool p_is_hidden(const Delineation& waves);

// Why there is no P wave: there is none, or it is too noisy to say.
const char* no_p_reason(const Delineation& waves);

// The lead to measure single-lead features in: `preferred` if it is usable and its beats have QRS complexes, else the
// lead with the largest median QRS amplitude; nothing where no lead has QRS complexes.
std::optional<std::size_t> measuring_lead(const WorkingSignal& signal, const Delineation& waves,
                                          std::optional<std::size_t> preferred);

// T-wave alternans of short records: the median over `leads` of max |median of odd beats - median of even beats| from
// R + 100 ms to T end, beats without their level at QRS onset, in the unit of the signal. Beats whose interval to the
// beat before differs by more than 15 % from the median, or whose shape differs (correlation below 0.9) are left out;
// at least four odd and four even ones are needed, else NaN. Noise of 10 uV alone gives a similar value: it is a
// measure of variation more than of alternans.
double t_alternans(const WorkingSignal& signal, const Delineation& waves, std::span<const std::size_t> leads);

}  // namespace cardiograd::dsp
