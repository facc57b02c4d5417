// R peaks of a whole recording, from all its leads at once.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <Eigen/Core>

#include "dsp/filters/gaps.h"

namespace cardiograd::dsp {

// Beats of leads that were not recorded at the same time as the others.
struct LeadsApart {
  std::vector<Eigen::Index> leads;
  std::vector<double> times_s;
};

struct RPeaks {
  // Seconds from the first sample, ascending, between samples. Empty exactly where `reason` says why.
  std::vector<double> times_s;
  std::string reason;
  // Leads that were not recorded at the same time as most (lead_times.h): `times_s` is without them.
  std::vector<LeadsApart> apart = {};
  // Where none of the leads that `times_s` is of has samples (common_gaps): beats may be missing there, so that what
  // lies between the beats on either side is no interval of the rhythm.
  std::vector<Gap> gaps_s = {};
};

// "leads V1, V2 were not recorded at the same time as the others"; empty where none lies apart.
std::string leads_apart_text(const RPeaks& peaks, std::span<const std::string> names);

// `signal` is samples x leads in any unit (leads may differ in gain), `rate` 50 Hz or more. Missing samples are NaN.
//
// Works offline, so every level is taken from both sides in time. Each lead is band-passed to where QRS complexes stand
// out from P and T waves, and its envelope taken; its local QRS level (median over blocks of the blocks' maxima) scales
// it, and its local ratio of QRS level to background weighs it: gains, flat or noisy leads and lead failures drop out
// that way. The maxima of the leads' weighted mean are candidates; dynamic programming takes the set of them with the
// greatest sum of log(height / local threshold) less penalties for intervals much shorter or longer than the local
// median: that is threshold, refractory period, T-wave check and search back in one. The time of a beat is the maximum
// of the envelope, the middle of the QRS energy over all leads, refined by a parabola: it does not jump between R and S
// from beat to beat.
//
// Where the beats of some leads do not coincide with those of most, each set of leads has beats of its own.
//
// Never throws on account of sample values. A recording without leads, shorter than a second, or in which nothing
// stands out gives a reason. Throws Error when the rate is not finite or below 50 Hz.
RPeaks detect_r_peaks(const Eigen::ArrayXXd& signal, double rate);

}  // namespace cardiograd::dsp
