#include "dsp/delineation/group_waves.h"

#include <algorithm>

#include "dsp/delineation/consistency.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/p_t_search.h"
#include "dsp/delineation/qrs_search.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

GroupWaves no_waves(const AverageBeat& beat) {
  GroupWaves waves;
  waves.leads.resize(beat.leads());
  waves.p_present.assign(beat.beats(), 0);
  for (auto shifts :
       {&GroupWaves::p_shifts, &GroupWaves::t_shifts, &GroupWaves::qrs_onset_shifts, &GroupWaves::qrs_offset_shifts}) {
    (waves.*shifts).assign(beat.beats(), 0.0);
  }
  return waves;
}

// How alike the beats are where most leads have the wave.
Consistency consistency_of(const AverageBeat& beat, const FoundWaves& found, Eigen::Index slope_box,
                           bool of_some_beats) {
  std::vector<double> onsets, offsets;
  for (const std::optional<FoundWave>& wave : found.leads) {
    if (!wave) continue;
    onsets.push_back(wave->onset);
    offsets.push_back(wave->offset);
  }
  return consistency(beat.signal(), beat.group(),
                     {.from = median(onsets), .to = median(offsets), .slope_box = slope_box}, of_some_beats);
}

// Which beats have the P wave of the average, and where. It is there if it is strong in some lead, and the beats have
// it in common: fibrillation makes humps as well.
void place_p(const AverageBeat& beat, const FoundWaves& found, Eigen::Index slope_box, GroupWaves& waves) {
  const double least = beat.leads() >= kP.many_leads ? kP.min_many_backgrounds : kP.min_backgrounds;
  if (beat.beats() < kP.min_group_beats || found.strongest < least) return;
  const Consistency same = consistency_of(beat, found, slope_box, true);
  if (same.ratio < kP.min_consistency_ratio || median(same.correlations) < kP.min_median_correlation) return;
  waves.p_shifts = same.shifts;
  for (std::size_t i = 0; i < beat.beats(); ++i) {
    waves.p_present[i] = same.correlations[i] > kP.min_beat_correlation;
  }
}

}  // namespace

GroupWaves find_group_waves(const WorkingSignal& signal, const BeatGroup& group, double rr_before_s,
                            double rr_after_s) {
  const AverageBeat beat(signal, group);
  GroupWaves waves = no_waves(beat);
  const std::optional<FoundQrs> qrs = find_qrs(beat);
  if (!qrs) return waves;
  waves.qrs_onset_shifts = qrs->onset_shifts;
  waves.qrs_offset_shifts = qrs->offset_shifts;
  std::vector<char> has_qrs(beat.leads());
  for (std::size_t l = 0; l < beat.leads(); ++l) has_qrs[l] = qrs->leads[l].has_value();

  const WaveSearch for_t = t_search(beat, qrs->all_leads.offset, rr_after_s);
  const FoundWaves t = find_wave(beat, for_t, has_qrs);
  if (t.strongest > 0.0) waves.t_shifts = consistency_of(beat, t, for_t.slope_box, false).shifts;

  const WaveSearch for_p = p_search(beat, qrs->all_leads.onset, t.leads, rr_before_s);
  const FoundWaves p = find_wave(beat, for_p, has_qrs);
  place_p(beat, p, for_p.slope_box, waves);

  for (std::size_t l = 0; l < beat.leads(); ++l) {
    waves.leads[l] = {.qrs = qrs->leads[l], .qrs_peak = qrs->peaks[l], .p = p.leads[l], .t = t.leads[l]};
  }
  return waves;
}

}  // namespace cardiograd::dsp
