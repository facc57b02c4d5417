// The waves of one group of beats: boundaries in its average, and how they lie in each beat.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "dsp/delineation/average_beat.h"
#include "dsp/delineation/p_presence.h"
#include "dsp/delineation/wave_search.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {

// One lead of the average, in samples of its window.
struct LeadWaves {
  std::optional<Extent> qrs;
  double qrs_peak = 0.0;       // Largest deflection from the level at QRS onset.
  std::optional<FoundWave> p;  // Also where the beats do not have it: see p_present.
  std::optional<FoundWave> t;
};

// Vectors per beat have one entry for each of the group's beats, in their order; shifts are in samples.
struct GroupWaves {
  std::vector<LeadWaves> leads;
  PEvidence p_evidence;
  double p_log_odds = kMissing;          // PPresence::log_odds.
  std::vector<char> p_present;           // Per beat.
  bool p_hidden = false;                 // Whether noise can hide P where it is not found (p_visibility).
  std::vector<double> p_shifts;          // Per beat: of its P wave from that of the average.
  std::vector<double> t_shifts;          // Per beat: of its T wave.
  std::vector<double> qrs_onset_shifts;  // Per beat: of its own QRS boundaries over all leads.
  std::vector<double> qrs_offset_shifts;
};

// Whether the group's QRS complex can be measured in some lead.
bool has_qrs(const GroupWaves& waves);

// A group of `beats` beats in which nothing can be measured.
GroupWaves no_waves(std::size_t leads, std::size_t beats);

// QRS, then T after it, then P before it. `rr_before_s` and `rr_after_s`: the usual intervals to the beats before and
// after those of the group. `from_neighbors`: odds_from_neighbors. No waves where no lead has a QRS complex. Never
// throws.
GroupWaves find_group_waves(const WorkingSignal& signal, const BeatGroup& group, double rr_before_s, double rr_after_s,
                            double from_neighbors = 0.0);

// P of groups that have none so far: early beats have little to be compared with, and their P waves may differ. They
// have it if their QRS complex is that of the largest group, if that has a P wave, and if theirs stands out of what
// differs between the beats there. `waves` are those of `groups`.
void find_p_of_early(const WorkingSignal& signal, std::span<const BeatGroup> groups, std::span<GroupWaves> waves);

}  // namespace cardiograd::dsp
