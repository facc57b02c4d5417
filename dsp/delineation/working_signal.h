// The signal that delineation works on: without gaps, band-passed, at about 500 Hz.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

struct WorkingSignal {
  Eigen::ArrayXXd samples;        // (samples, leads) in the recording's unit, finite, 0.5 to 40 Hz, zero phase
  double rate;                    // Hz: the whole multiple or part of the recording's nearest to 500
  std::vector<char> usable;       // per lead: neither flat nor missing for more than half of the time
  std::vector<double> stimuli_s;  // pacemaker stimuli (stimuli.h), ascending; not in `samples` any more
};

// `signal` is (samples, leads), NaN or infinite where a sample is missing, at `rate` Hz. Gaps are interpolated
// linearly. Throws Error when the rate is no rate that a filter of 0.5 Hz fits, or the recording is empty.
WorkingSignal working_signal(const Eigen::ArrayXXd& signal, double rate);

// window[i] = signal.samples(at + i, lead) with indices clamped to the record's ends. `at` may be negative.
void copy_window(const WorkingSignal& signal, Eigen::Index lead, Eigen::Index at, Eigen::Ref<Eigen::ArrayXd> window);

}  // namespace cardiograd::dsp
