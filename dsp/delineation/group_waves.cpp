#include "dsp/delineation/group_waves.h"

#include <algorithm>
#include <utility>

#include "dsp/delineation/consistency.h"
#include "dsp/delineation/p_presence.h"
#include "dsp/delineation/p_t_search.h"
#include "dsp/delineation/qrs_search.h"

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

  // T first as if there were a P wave, and once more where there is none to leave room for.
  const WaveSearch whole = t_search(beat, qrs->all_leads.offset, rr_after_s);
  WaveSearch for_t = whole, for_p = p_search(beat, qrs->all_leads.onset, {}, rr_before_s);
  const LeadSlopes t_slopes = lead_slopes(beat, for_t, has_qrs), p_slopes = lead_slopes(beat, for_p, has_qrs);
  part_windows(beat, t_slopes, p_slopes, rr_before_s, for_t, for_p);
  FoundWaves t = find_wave(beat, for_t, t_slopes);
  if (t.strongest == 0.0) t = find_wave(beat, whole, t_slopes);
  for_p = p_search(beat, qrs->all_leads.onset, t.leads, rr_before_s);
  const FoundWaves p = find_wave(beat, for_p, p_slopes);
  PPresence presence = p_presence(beat, *qrs, t, p, for_p, rr_before_s);
  if (std::count(presence.present.begin(), presence.present.end(), 1) == 0) t = find_wave(beat, whole, t_slopes);
  waves.p_present = std::move(presence.present);
  waves.p_shifts = std::move(presence.shifts);
  if (t.strongest > 0.0) {
    waves.t_shifts = consistency(signal, group, stretch_of(t, for_t.slope_box), false).shifts;
  }

  for (std::size_t l = 0; l < beat.leads(); ++l) {
    waves.leads[l] = {.qrs = qrs->leads[l], .qrs_peak = qrs->peaks[l], .p = p.leads[l], .t = t.leads[l]};
  }
  return waves;
}

}  // namespace cardiograd::dsp
