// P and T waves of an average beat: one search, with windows of its own for either wave. Positions are in samples of
// the average's window.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include <Eigen/Core>

#include "dsp/delineation/average_beat.h"
#include "dsp/delineation/consistency.h"
#include "dsp/delineation/wave_search.h"

namespace cardiograd::dsp {

// What is searched for: where the peak may be and is expected, how the leads support each other, how far boundaries may
// lie. Widths and distances in samples.
struct WaveSearch {
  Eigen::Index slope_box;
  double background_quantile, min_background_fraction;
  // The peak's place.
  Eigen::Index from, to;
  double expected, spread, early_weight;
  double support, support_reach, trusted_backgrounds;
  double roundness_order, turning_order;  // Of a hump's form.
  // A lead's own humps.
  double near, near_reach_sigmas;
  double phase_before_fraction, phase_after_fraction;  // Of the main hump's strength.
  double phase_before, phase_after;                    // Largest distances from it.
  // Boundaries.
  OutlineLimits limits;
  // Consensus of the leads.
  double own_fraction, outlier, outlier_peak;
  std::size_t min_consensus_leads;
};

// T: from the end of the QRS complex of all leads at `qrs_end` on; the later the longer the interval to the next beat.
WaveSearch t_search(const AverageBeat& beat, double qrs_end, double rr_after_s);

// P: up to the onset of the QRS complex of all leads at `qrs_onset`, from the T wave of the beat before on, which is
// taken to end as that of this beat does (`t_waves`, per lead).
WaveSearch p_search(const AverageBeat& beat, double qrs_onset, std::span<const std::optional<FoundWave>> t_waves,
                    double rr_before_s);

// The slopes of the leads that take part, whatever the windows of the search.
struct LeadSlopes {
  std::vector<Eigen::ArrayXd> slopes;  // Per lead (window), unit per second; empty for leads that do not take part.
  std::vector<double> backgrounds;     // Per lead, unit per second; 1 for those.
};
LeadSlopes lead_slopes(const AverageBeat& beat, const WaveSearch& search, const std::vector<char>& leads);

// The humps of the leads that take part, within the window.
struct LeadHumps {
  std::vector<std::vector<Hump>> humps;  // Per lead, in order of time; empty for leads that do not take part.
  std::vector<double> backgrounds;       // Per lead, unit per second; 1 for those.
};
LeadHumps lead_humps(const WaveSearch& search, const LeadSlopes& slopes);

// The place of the peak that the humps of all leads support most, those nearer to the expected place more.
struct CommonPlace {
  Eigen::ArrayXd support;   // (window): sum over all humps; 0 outside from ... to.
  Eigen::ArrayXd prior;     // (window): 0 ... 1, how likely the place is; 0 outside from ... to.
  Eigen::Index place = -1;  // Maximum of their product; -1 where that is 0 everywhere.
};
CommonPlace common_place(const AverageBeat& beat, const WaveSearch& search, const LeadHumps& humps);

// The time between two beats belongs to T first and then to P. Narrows the windows of both searches so that they do not
// overlap: of all pairs of a place for T and a later one for the P wave of the next beat, `rr_before_s` after the first
// one, it keeps to that with the largest sum of both products. So T is not sought where P is the better answer, nor P
// where T is.
void part_windows(const AverageBeat& beat, const LeadSlopes& t_slopes, const LeadSlopes& p_slopes, double rr_before_s,
                  WaveSearch& for_t, WaveSearch& for_p);

// One lead's own wave: its strongest hump near the common place, with a second phase before and after it where there is
// one; nothing where no hump is near.
std::optional<WaveHumps> humps_near(const WaveSearch& search, const std::vector<Hump>& humps, Eigen::Index place);

struct FoundWaves {
  std::vector<std::optional<FoundWave>> leads;  // Boundaries drawn to the consensus of the leads.
  double strongest = 0.0;  // Largest strength over the leads, in backgrounds; 0 where there is none.
};

// Where most leads have the wave; `found` must have a lead.
Stretch stretch_of(const FoundWaves& found, Eigen::Index slope_box);

// The wave in each lead that takes part (`leads`, per lead) and has a hump near the common place.
FoundWaves find_wave(const AverageBeat& beat, const WaveSearch& search, const LeadSlopes& slopes);
FoundWaves find_wave(const AverageBeat& beat, const WaveSearch& search, const std::vector<char>& leads);

}  // namespace cardiograd::dsp
