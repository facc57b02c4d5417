// Whether a wave is the same in every beat of a group, and where it lies in each.
#pragma once

#include <vector>

#include "dsp/delineation/beat_groups.h"

namespace cardiograd::dsp {

// Slopes are compared, over all leads, each in units of its own RMS: wander, offsets and gains do not count.
struct Consistency {
  double ratio = 0.0;                // n |mean|^2 / variance: about 1 where the beats have nothing in common.
  std::vector<double> lead_ratios;   // The same of each lead alone; 0 where it shows nothing.
  std::vector<double> correlations;  // Of each beat, at its shift, with the mean of the others.
  std::vector<double> shifts;        // Of each beat, in samples: where its wave lies relative to the average's.
};

// What is compared: a stretch of the group's window, in samples, and the width of the boxes of its slopes (box_slope).
struct Stretch {
  double from, to;
  Eigen::Index slope_box;
};

// With `of_some_beats`, and where the beats have little in common, they are compared again with those of them that
// resemble each other, if these are half or more: one of two P waves may lie elsewhere in AV block. Never throws. A
// group of one beat has correlation 0 and shift 0.
Consistency consistency(const WorkingSignal& signal, const BeatGroup& group, const Stretch& stretch,
                        bool of_some_beats);

// The ratio of `consistency` alone.
double common_ratio(const WorkingSignal& signal, const BeatGroup& group, const Stretch& stretch);

// How much energy the slopes of a few beats have as a ratio to what differs between the beats of a larger group, which
// have the wave elsewhere: about 1 where there is no wave. Mean over the leads, times the number of beats.
double ratio_to_noise(const WorkingSignal& signal, const BeatGroup& few, const Stretch& stretch, const BeatGroup& many,
                      const Stretch& wave_of_many);

// Whether what the beats have in common keeps its distance from their own R peaks (P) or from those before (the T wave
// of the beat before): the ratio of `common_ratio` with respect to either. 1 where the intervals are too regular to
// tell.
double own_beat_ratio(const WorkingSignal& signal, const BeatGroup& group, const Stretch& stretch);

}  // namespace cardiograd::dsp
