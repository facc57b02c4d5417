// Whether the beats of a group have the P wave that was found in their average.
#pragma once

#include <vector>

#include "dsp/delineation/average_beat.h"
#include "dsp/delineation/p_t_search.h"
#include "dsp/delineation/qrs_search.h"

namespace cardiograd::dsp {

// What speaks for the hump `p` of the average, wave by wave. Over the leads that have it; 0 where none has.
struct PEvidence {
  double of_qrs = 0.0;  // Steepness of P as a fraction of that of the QRS complex, in the lead where that is largest.
  double of_t = 0.0;    // The same of the T wave.
  // Slope between the end of the T wave before and the onset of QRS, P left out, as a fraction of that of P, over all
  // leads: what a quarter of that time is below. 0 where the time is too short to tell.
  double beside = 0.0;
  bool behind_t = false;  // Whether P begins where the T wave of the beat before ends.
};
PEvidence p_evidence(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& t, const FoundWaves& p,
                     const WaveSearch& search, double rr_before_s);

struct PPresence {
  std::vector<char> present;   // Per beat of the group.
  std::vector<double> shifts;  // Per beat: of its P wave from that of the average, in samples.
};

// The wave is there if it stands out of what lies between T and QRS, and if the beats have it in common, at a distance
// from their own R peaks: fibrillation and flutter make humps as well, and so does the T wave of the beat before.
PPresence p_presence(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& t, const FoundWaves& p,
                     const WaveSearch& search, double rr_before_s);

}  // namespace cardiograd::dsp
