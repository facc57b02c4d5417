// The signal that delineation works on: without gaps, band-passed, at about 500 Hz.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

struct WorkingSignal {
  Eigen::ArrayXXd samples;        // (samples, leads) in the recording's unit, finite, 0.5 to 40 Hz, zero phase
  double rate;                    // Hz: the whole multiple or part of the recording's nearest to 500
  std::vector<char> usable;       // per lead: neither flat nor missing for more than half of the time
  std::vector<double> stimuli_s;  // pacemaker stimuli, ascending; none is recognized below 400 Hz
};

// `signal` is (samples, leads), NaN or infinite where a sample is missing, at `rate` Hz. Gaps are interpolated
// linearly. Throws Error when the rate is no rate that a filter of 0.5 Hz fits, or the recording is empty.
WorkingSignal working_signal(const Eigen::ArrayXXd& signal, double rate);

// Pacemaker stimuli in seconds, ascending: steps within 4 ms, in a quarter of the leads at once, that are much larger
// than the change just before and just after, and not small against the lead's range. `filled` is (samples, leads),
// finite, not filtered, at `rate` Hz. Empty below 400 Hz.
std::vector<double> find_stimuli(const Eigen::ArrayXXd& filled, double rate);

// window[i] = signal.samples(at + i, lead) with indices clamped to the record's ends. `at` may be negative.
void copy_window(const WorkingSignal& signal, Eigen::Index lead, Eigen::Index at, Eigen::Ref<Eigen::ArrayXd> window);

}  // namespace cardiograd::dsp
