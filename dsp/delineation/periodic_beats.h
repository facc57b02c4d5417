// Beats of rhythms whose waves follow each other without a pause: broad tachycardias, flutter of the ventricles, rates
// of 240 a minute and more. No envelope shows them, since nothing between them is low.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// How a stretch of recording repeats itself.
struct Period {
  Eigen::Index samples = 0;  // 0 where it does not.
  double correlation = 0.0;  // Of the stretch with itself that much later.
};

// The shortest interval between 0.19 and 1.2 s at which all leads of `band` (samples, leads; without offset) together
// repeat themselves best, if they do so well enough (kPeriodic).
Period find_period(const Eigen::ArrayXXd& band, double rate);

// One time for each cycle, in seconds, ascending, all at the same point of the cycle: where the leads together are
// farthest from zero. `signal` is (samples, leads), NaN = missing, at `rate` Hz, 50 or more. Each 10 s are looked at by
// themselves. Empty where nothing repeats itself.
std::vector<double> periodic_beats(const Eigen::ArrayXXd& signal, double rate);

}  // namespace cardiograd::dsp
