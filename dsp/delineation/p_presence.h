// Whether the beats of a group have the P wave that was found in their average.
#pragma once

#include <span>
#include <vector>

#include "dsp/delineation/average_beat.h"
#include "dsp/delineation/p_t_search.h"
#include "dsp/delineation/qrs_search.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {

// What speaks for or against the hump `p` of the average being a P wave. Strengths are over the leads that have it.
struct PEvidence {
  double ratio = 0.0;        // Of what the beats have in common there to what differs (Consistency::ratio).
  double correlation = 0.0;  // Median correlation of the beats.
  double own_beat = 1.0;     // own_beat_ratio.
  double of_qrs = 0.0;       // Steepness as a fraction of that of the QRS complex, in the lead where that is largest.
  double of_t = 0.0;         // Steepness as a fraction of that of T, in the lead where that is largest; 0 without T.
  // Slope in the rest of the average, QRS left out, as a fraction of that of P, over all leads: what a quarter of the
  // time is below. In flutter P is one wave of many.
  double beside = 0.0;
  // How much of P there is half an interval before or after it, where QRS does not hide that: correlation of slopes
  // times the ratio of sizes, 0 to 1. Of flutter that is conducted 2:1 the other wave lies there.
  double between = 0.0;
  double after_t_s = 0.0;     // From the end of the T wave of the beat before.
  double irregularity = 0.0;  // Of the intervals around (BeatGroup).
  double rr_s = 0.0;          // The usual interval before these beats.
};

// Logarithm of the odds that it is one (kPEvidence).
double p_log_odds(const PEvidence& evidence);

// What the neighborhoods before and after add to the log odds of each, given those of each alone: the atria seldom
// change what they do between two of them (a chain of two states that changes with kPEvidence.change_fraction). Where
// there is nothing to judge (not finite) it passes on what it is told. The same size.
std::vector<double> odds_from_neighbors(std::span<const double> log_odds);

struct PPresence {
  PEvidence evidence;
  // Of the average alone; NaN where it is one wave of many or chance, or beats are too few.
  double log_odds = kMissing;
  bool hidden = true;          // Whether the noise can hide the least P waves (p_visibility, kP.hidden_ratio).
  std::vector<char> present;   // Per beat of the group.
  std::vector<double> shifts;  // Per beat: of its P wave from that of the average, in samples.
};

// The wave is there if its log odds and what neighbors add to them (odds_from_neighbors) are above
// kPEvidence.enough_weight, unless it is one wave of many, no more than averages of noise have, far flatter than the
// QRS complex, or begins right behind T and is as flat as the end of T. Groups of fewer than kP.min_group_beats have
// none.
PPresence p_presence(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& t, const FoundWaves& p,
                     const WaveSearch& search, double rr_before_s, double from_neighbors = 0.0);

// Whether the P wave that was found is none by its form: far flatter than the QRS complex or, right behind T, than T.
bool too_flat_for_p(const PEvidence& evidence);

// By what ratio the least P waves (kP) would stand out of the noise of the average, in the lead where that is largest.
double p_visibility(const AverageBeat& beat, const FoundQrs& qrs, const WaveSearch& search);

}  // namespace cardiograd::dsp
