// P waves that no QRS complex follows, and noise, taken for beats in a pause.
#pragma once

#include <span>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// Clears `taken` of those of `candidates` (samples, ascending) that are much smaller than the others and have either
// the shape and size of what comes before these, or, in a long pause, those of no other beat. `signal` is (samples,
// leads), NaN = missing sample, at `rate` Hz.
void drop_waves_of_pauses(const Eigen::ArrayXXd& signal, double rate, std::span<const Eigen::Index> candidates,
                          std::vector<char>& taken);

}  // namespace cardiograd::dsp
