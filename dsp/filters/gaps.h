// Missing samples: NaN (or infinite) values in a signal.
#pragma once

#include <Eigen/Core>

namespace cardiograd::dsp {

// Replaces the missing samples of one lead: linearly between the neighbors of a gap, by the nearest sample at the
// ends. A lead without any finite sample becomes zero. Returns how many samples were missing.
Eigen::Index fill_gaps(Eigen::Ref<Eigen::ArrayXd> lead);

// `to` is NaN wherever `from` is not finite; both samples x leads.
void restore_gaps(const Eigen::ArrayXXd& from, Eigen::ArrayXXd& to);

}  // namespace cardiograd::dsp
