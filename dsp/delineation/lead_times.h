// Whether leads were recorded at the same time: printed records show three or six leads after each other.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// Leads whose beats coincide, by their numbers, each lead once; the largest set first, of equal ones that with the
// first lead. `envelopes` (points, leads; 0 for flat leads) are those of r_peak_envelope.h, `rate` theirs in Hz. Leads
// without clear beats go with the first set.
std::vector<std::vector<Eigen::Index>> simultaneous_leads(const Eigen::ArrayXXd& envelopes, double rate);

// Whether a lead is nearly a linear combination of others, and so was recorded with them, however little of the QRS
// complex it shows: aVR, aVL, aVF and III are exactly that of I and II. `signal` (samples, leads) at `rate` Hz is that
// of detect_r_peaks; its beginning is looked at, in the R peaks' band.
bool is_combination(const Eigen::ArrayXXd& signal, double rate, Eigen::Index lead,
                    const std::vector<Eigen::Index>& others);

// Whether two series of beats (seconds, ascending) are of one rhythm, but not of one time: about as many, and fewer
// than half of the first ones have one of the others near. False where there are too few to tell.
bool at_other_times(const std::vector<double>& beats_s, const std::vector<double>& others_s);

}  // namespace cardiograd::dsp
