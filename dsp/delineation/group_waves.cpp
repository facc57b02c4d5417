#include "dsp/delineation/group_waves.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dsp/delineation/consistency.h"
#include "dsp/delineation/constants.h"
#include "dsp/delineation/p_t_search.h"
#include "dsp/delineation/qrs_search.h"

namespace cardiograd::dsp {
namespace {

bool has_p(const GroupWaves& waves) {
  return std::count(waves.p_present.begin(), waves.p_present.end(), 1) > 0;
}

// Correlation of two averages around their R peaks, over all leads.
double shape_correlation(const BeatGroup& a, const BeatGroup& b, double rate) {
  const auto half = static_cast<Eigen::Index>(std::lround(kBeatGroup.shape_s * rate));
  Eigen::ArrayXXd first = a.average.middleRows(a.center - half, 2 * half + 1);
  Eigen::ArrayXXd second = b.average.middleRows(b.center - half, 2 * half + 1);
  first.rowwise() -= first.colwise().mean().eval();
  second.rowwise() -= second.colwise().mean().eval();
  const double norm = std::sqrt(first.square().sum() * second.square().sum());
  return norm > 0.0 ? (first * second).sum() / norm : 0.0;
}

// Where P ends at the latest: at the QRS complex, or before the stimulus that it follows at once. What a filter makes
// of a stimulus begins before it.
double latest_p_end(const AverageBeat& beat, const FoundQrs& qrs) {
  const double near = kP.beside_stimulus_s * beat.rate();
  // What bridging leaves of a stimulus may be taken for the R peak.
  const Eigen::Index last = beat.center() + beat.samples(kStimulus.bridge_s);
  const std::optional<double> stimulus = beat.stimulus(qrs.window.earliest, last);
  const bool follows = stimulus && qrs.all_leads.onset - *stimulus <= near;
  return follows ? std::min(*stimulus - near, qrs.all_leads.onset) : qrs.all_leads.onset;
}

Stretch p_stretch(const GroupWaves& waves, Eigen::Index slope_box) {
  FoundWaves p;
  for (const LeadWaves& lead : waves.leads) p.leads.push_back(lead.p);
  return stretch_of(p, slope_box);
}

}  // namespace

bool has_qrs(const GroupWaves& waves) {
  return std::any_of(waves.leads.begin(), waves.leads.end(),
                     [](const LeadWaves& lead) { return lead.qrs.has_value(); });
}

GroupWaves no_waves(std::size_t leads, std::size_t beats) {
  GroupWaves waves;
  waves.leads.resize(leads);
  waves.p_present.assign(beats, 0);
  waves.p_hidden = true;  // Nothing can be said.
  for (auto shifts :
       {&GroupWaves::p_shifts, &GroupWaves::t_shifts, &GroupWaves::qrs_onset_shifts, &GroupWaves::qrs_offset_shifts}) {
    (waves.*shifts).assign(beats, 0.0);
  }
  return waves;
}

void find_p_of_early(const WorkingSignal& signal, std::span<const BeatGroup> groups, std::span<GroupWaves> waves) {
  const auto largest = std::max_element(groups.begin(), groups.end(), [](const BeatGroup& a, const BeatGroup& b) {
    return a.beats.size() < b.beats.size();
  });
  const auto main = static_cast<std::size_t>(largest - groups.begin());
  if (groups.empty() || !has_p(waves[main])) return;
  const auto box = static_cast<Eigen::Index>(std::lround(kWave.slope_box_s.p * signal.rate));
  const Stretch of_many = p_stretch(waves[main], box);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto with_hump = [](const LeadWaves& lead) { return lead.p.has_value(); };
    if (has_p(waves[i]) || too_flat_for_p(waves[i].p_evidence) ||
        std::none_of(waves[i].leads.begin(), waves[i].leads.end(), with_hump) ||
        shape_correlation(groups[i], *largest, signal.rate) < kBeatGroup.same_shape_correlation)
      continue;
    const double ratio = ratio_to_noise(signal, groups[i], p_stretch(waves[i], box), *largest, of_many);
    if (ratio >= kP.hidden_ratio) waves[i].p_present.assign(groups[i].beats.size(), 1);
  }
}

GroupWaves find_group_waves(const WorkingSignal& signal, const BeatGroup& group, double rr_before_s, double rr_after_s,
                            double from_neighbors) {
  const AverageBeat beat(signal, group);
  GroupWaves waves = no_waves(beat.leads(), beat.beats());
  const std::optional<FoundQrs> qrs = find_qrs(beat);
  if (!qrs) return waves;
  waves.qrs_onset_shifts = qrs->onset_shifts;
  waves.qrs_offset_shifts = qrs->offset_shifts;
  std::vector<char> with_qrs(beat.leads());
  for (std::size_t l = 0; l < beat.leads(); ++l) with_qrs[l] = qrs->leads[l].has_value();

  // T first as if there were a P wave, and once more where there is none to leave room for.
  const WaveSearch whole = t_search(beat, qrs->all_leads.offset, rr_after_s);
  const double p_end = latest_p_end(beat, *qrs);
  WaveSearch for_t = whole, for_p = p_search(beat, p_end, {}, rr_before_s);
  const LeadSlopes t_slopes = lead_slopes(beat, for_t, with_qrs), p_slopes = lead_slopes(beat, for_p, with_qrs);
  part_windows(beat, t_slopes, p_slopes, rr_before_s, for_t, for_p);
  FoundWaves t = find_wave(beat, for_t, t_slopes);
  if (t.strongest == 0.0) t = find_wave(beat, whole, t_slopes);
  for_p = p_search(beat, p_end, t.leads, rr_before_s);
  const FoundWaves p = find_wave(beat, for_p, p_slopes);
  PPresence presence = p_presence(beat, *qrs, t, p, for_p, rr_before_s, from_neighbors);
  if (std::count(presence.present.begin(), presence.present.end(), 1) == 0) t = find_wave(beat, whole, t_slopes);
  waves.p_evidence = presence.evidence;
  waves.p_log_odds = presence.log_odds;
  waves.p_hidden = presence.hidden;
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
