// The second half of R-peak detection: which maxima of the envelope are beats.
#pragma once

#include <functional>
#include <vector>

#include <Eigen/Core>

#include "dsp/delineation/r_peak_envelope.h"

namespace cardiograd::dsp {

struct Candidate {
  Eigen::Index at;  // Sample of the envelope.
  double height;    // Of the envelope.
  // Of the sharp envelope there: in units of its QRS level, what noise reaches in these, and in units of the envelope.
  // 0 where nothing is known.
  double sharp = 0.0;
  double sharp_noise = 0.0;
  double sharpness = 0.0;
};

// Local maxima above 0 in order of time, the largest first where two are closer than `separation` samples.
std::vector<Candidate> find_candidates(const Eigen::ArrayXd& envelope, Eigen::Index separation);

// How much an interval of `seconds` between two beats counts against them, in units of ln(height / threshold); `usual`
// is the local median interval in seconds. Free between 0.7 and 1.5 of the usual: rhythms are irregular; but a T wave
// or a spike makes two short intervals, and a beat left out makes one long interval.
double interval_penalty(double seconds, double usual);
// The same within a run of fast beats that look alike: that it is shorter than usual is all that counts against it.
double run_penalty(double seconds, double usual);

struct Selection {
  std::vector<char> taken;         // Per candidate: is it a beat?
  std::vector<double> thresholds;  // Per candidate, of the envelope, in the last pass.
};

// Whether `later`, `seconds` after `beat`, is no beat but its T wave: at its time and much duller.
bool is_t_wave(const Candidate& beat, const Candidate& later, double seconds, double usual);

// Whether two candidates look the same in the signal. Asked only where the answer may change what is chosen.
using Alike = std::function<bool(const Candidate&, const Candidate&)>;

// The set of candidates with the largest sum of ln(height / threshold), in the envelope in which that is larger, less
// the penalties of its intervals, in which no beat is the T wave of the one before. Threshold
// and usual interval come from the neighborhood, in the first pass by height alone, then from the beats of the pass
// before. A run of early beats is early once: an interval as short as the one before it costs nothing if the beats at
// both of its ends are `alike`. `level` is that of QRS complexes in the envelope, `rate` the envelope's in Hz.
Selection select_beats(const std::vector<Candidate>& candidates, const Levels& level, double rate, const Alike& alike);

}  // namespace cardiograd::dsp
