// Beats of equal shape, aligned and averaged: what the delineation looks at.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "dsp/delineation/working_signal.h"

namespace cardiograd::dsp {

struct BeatGroup {
  std::vector<std::size_t> beats;     // Indices of the R peaks, ascending.
  std::vector<Eigen::Index> centers;  // Of each beat, in working samples, after alignment.
  std::vector<double> rr_before_s;    // Of each beat: the interval to the R peak before; NaN for the record's first.
  Eigen::ArrayXXd average;            // (window, leads) in the signal's unit.
  Eigen::Index center = 0;            // Where the R peak lies in the window.
  Eigen::Index from = 0, to = 0;      // First and last sample of the average that beats contribute to; level outside.
  bool premature = false;             // Whether its beats come early (kBeatGroup.premature_ratio).
  double irregularity = 0.0;          // Of the intervals around it: rr_irregularity.
};

// How irregular successive intervals (seconds) are: the median distance of each to their median, to the next one, to
// the second next or to the third next, whichever is least, as a fraction of their median. So early beats do not count
// where most are not, nor do two or three intervals that take turns. 0 for fewer than four intervals.
double rr_irregularity(std::span<const double> intervals_s);

// Correlation of the QRS complexes at the samples `first` and `second` over all usable leads, at the lag at which it is
// best: what beats join groups by. -1 where no lead shows anything, or their sizes differ too much (kBeatGroup).
double shape_correlation(const WorkingSignal& signal, Eigen::Index first, Eigen::Index second);

// The beats `first` ... `last` - 1 (first < last) of `r_peaks_s` (seconds, ascending) in groups, in the order of their
// first beats: each beat is in exactly one. A beat joins the group with whose mean its QRS complex correlates best over
// all usable leads, at the lag that does so best, if that is enough (kBeatGroup); else it begins a group. Beats that
// come early have groups of their own: their P and T waves are others. Each sample of the average is the weighted mean
// over the beats that own it: from the T wave of the beat before to the QRS complex of the beat after. Never throws.
std::vector<BeatGroup> group_beats(const WorkingSignal& signal, std::span<const double> r_peaks_s, std::size_t first,
                                   std::size_t last);

}  // namespace cardiograd::dsp
