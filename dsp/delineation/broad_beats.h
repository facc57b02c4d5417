// Beats of broad rhythms that neither pause nor repeat themselves: irregular ventricular tachycardia, fibrillation.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// One time for each deflection, in seconds, ascending: the maxima of the leads' first principal component. `signal` is
// (samples, leads), NaN = missing, at `rate` Hz, 90 or more; leads in which slow waves do not stand far above what is
// fast are left aside (kBroad). Empty where no lead is clean, or where the deflections are too rare or too frequent for
// beats that follow each other without a pause.
std::vector<double> broad_beats(const Eigen::ArrayXXd& signal, double rate);

}  // namespace cardiograd::dsp
