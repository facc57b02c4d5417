// The waves of one group of beats: boundaries in its average, and how they lie in each beat.
#pragma once

#include <optional>
#include <vector>

#include "dsp/delineation/beat_groups.h"
#include "dsp/delineation/wave_search.h"

namespace cardiograd::dsp {

// In samples of the group's window.
struct LeadWaves {
  std::optional<Extent> qrs;
  double qrs_peak = 0.0;       // Largest deflection from the level at QRS onset.
  std::optional<FoundWave> p;  // Also where the beats do not have it: see p_present.
  std::optional<FoundWave> t;
};

struct GroupWaves {
  std::vector<LeadWaves> leads;
  std::vector<char> p_present;   // Per beat.
  std::vector<double> p_shifts;  // Per beat, in samples.
  std::vector<double> t_shifts;
  std::vector<double> qrs_onset_shifts;  // Of the beat's own QRS complex over all leads from that of the average.
  std::vector<double> qrs_offset_shifts;
};

// `rr_before_s` and `rr_after_s`: the usual intervals to the beats before and after those of the group.
GroupWaves find_group_waves(const WorkingSignal& signal, const BeatGroup& group, double rr_before_s, double rr_after_s);

}  // namespace cardiograd::dsp
