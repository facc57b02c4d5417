// Pacemaker stimuli: impulses of a millisecond that recorders widen to a few samples.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// Their times in seconds, ascending. A stimulus is an impulse, with much energy above what QRS complexes reach, that
// comes again within seconds; or, from 400 Hz on, a step within 4 ms in a quarter of the leads at once, much larger
// than the change just before and after. `signal` is (samples, leads), NaN = missing, at `rate` Hz. Empty below 90 Hz,
// where complexes reach to half the rate.
std::vector<double> find_stimuli(const Eigen::ArrayXXd& signal, double rate);

// Replaces the samples around each stimulus by a straight line: what follows shall measure the heart.
void bridge_stimuli(const std::vector<double>& stimuli_s, double rate, Eigen::ArrayXXd& signal);

}  // namespace cardiograd::dsp
