// P waves that no QRS complex follows, as in a pause of AV block, taken for beats.
#pragma once

#include <span>
#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// Clears `taken` of those of `candidates` (samples, ascending) that are much smaller than the others and have the shape
// and size of what comes before these. `signal` is (samples, leads), NaN = missing sample, at `rate` Hz.
void drop_p_of_pauses(const Eigen::ArrayXXd& signal, double rate, std::span<const Eigen::Index> candidates,
                      std::vector<char>& taken);

}  // namespace cardiograd::dsp
