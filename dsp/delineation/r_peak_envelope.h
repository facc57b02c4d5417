// The first half of R-peak detection: one envelope of all leads, and how high QRS complexes stand in it.
#pragma once

#include <vector>

#include <Eigen/Core>

namespace cardiograd::dsp {

// A level per block of samples, read at any sample by linear interpolation between block centers.
struct Levels {
  Eigen::ArrayXd value;    // (blocks)
  Eigen::Index block = 1;  // samples per block; the last block also has what is left over

  // Before the first and after the last center the level of that block.
  double at(Eigen::Index sample) const;
};

// The largest value, or the median, of each block, then the running median over the blocks around it. `block` must be 1
// to signal.size().
Levels block_maxima(const Eigen::ArrayXd& signal, Eigen::Index block);
Levels block_medians(const Eigen::ArrayXd& signal, Eigen::Index block);
// The lower quartile: what lies between beats, however fast they follow each other.
Levels block_lows(const Eigen::ArrayXd& signal, Eigen::Index block);

// Median over blocks of QRS level over background (the envelope's medians): how clearly beats stand out.
double contrast(const Eigen::ArrayXd& envelope, const Levels& qrs_level);

// Two envelopes (samples), each the weighted mean of those of the leads in units of its own local QRS level: about 1 at
// QRS complexes, 0 where all leads are flat.
struct Envelopes {
  Eigen::ArrayXd all;    // In a band that holds wide complexes too.
  Eigen::ArrayXd sharp;  // In a band above: complexes stand in it, T waves and wide complexes hardly do.
  // (points, leads): `all` of each lead in units of its level, of the beginning of the recording (kLeadTimes); 0 for
  // flat leads. At `leads_rate` Hz.
  Eigen::ArrayXXd leads;
  double leads_rate;
};

// `signal` is (samples, leads) with at least 2 samples, NaN = missing, at `rate` Hz. A lead counts the less the higher
// its background is, and the more its local maxima differ from what is usual there: it is dropped while it is broken.
// Throws Error when the rate is too low for the bands (kRPeak).
Envelopes combined_envelopes(const Eigen::ArrayXXd& signal, double rate);

}  // namespace cardiograd::dsp
