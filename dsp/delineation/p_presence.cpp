#include "dsp/delineation/p_presence.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "dsp/delineation/consistency.h"
#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Slopes of the leads that have P in units of its strength there, then their RMS (window).
Eigen::ArrayXd activity_of(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& p,
                           const WaveSearch& search) {
  Eigen::ArrayXd energy = Eigen::ArrayXd::Zero(beat.length());
  double of_p = 0.0;
  for (std::size_t l = 0; l < p.leads.size(); ++l) {
    if (!p.leads[l]) continue;
    const double scale = 1.0 / qrs.activity.steepest[l];
    energy += (scale * box_slope(beat.lead(l), search.slope_box, beat.rate())).square();
    of_p += (scale * p.leads[l]->strength) * (scale * p.leads[l]->strength);
  }
  // Averaged over a box: the slope of a single lead is 0 at every turn.
  const Eigen::Index half = search.slope_box / 2;
  Eigen::ArrayXd mean = energy;
  for (Eigen::Index t = half; t + half < energy.size(); ++t) mean[t] = energy.segment(t - half, 2 * half + 1).mean();
  return (mean / of_p).sqrt();
}

}  // namespace

PEvidence p_evidence(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& t, const FoundWaves& p,
                     const WaveSearch& search, double rr_before_s) {
  PEvidence evidence;
  std::vector<double> t_ends;
  for (std::size_t l = 0; l < p.leads.size(); ++l) {
    if (t.leads[l]) t_ends.push_back(t.leads[l]->offset - rr_before_s * beat.rate());
    if (!p.leads[l]) continue;
    evidence.of_qrs = std::max(evidence.of_qrs, p.leads[l]->strength / qrs.activity.steepest[l]);
    if (t.leads[l]) evidence.of_t = std::max(evidence.of_t, p.leads[l]->strength / t.leads[l]->strength);
  }
  if (evidence.of_qrs == 0.0) return evidence;
  const Stretch wave = stretch_of(p, search.slope_box);
  const double t_end = t_ends.empty() ? static_cast<double>(search.from) : median(t_ends);
  evidence.behind_t = !t_ends.empty() && wave.from - t_end < kP.after_last_t_s * beat.rate();
  const Eigen::Index first = beat.inside(static_cast<Eigen::Index>(t_end));
  const Eigen::Index last = static_cast<Eigen::Index>(qrs.all_leads.onset) - search.slope_box;
  const Eigen::ArrayXd activity = activity_of(beat, qrs, p, search);
  std::vector<double> beside;
  for (Eigen::Index at = first; at < last; ++at) {
    const auto position = static_cast<double>(at);
    if (position < wave.from || position > wave.to) beside.push_back(activity[at]);
  }
  if (static_cast<double>(beside.size()) >= kP.min_beside_s * beat.rate()) {
    evidence.beside = lower_quantile(beside, kWave.background_quantile.p);
  }
  return evidence;
}

PPresence p_presence(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& t, const FoundWaves& p,
                     const WaveSearch& search, double rr_before_s) {
  PPresence presence{std::vector<char>(beat.beats(), 0), std::vector<double>(beat.beats(), 0.0)};
  if (beat.beats() < kP.min_group_beats) return presence;
  const PEvidence evidence = p_evidence(beat, qrs, t, p, search, rr_before_s);
  if (evidence.of_qrs < kP.min_qrs_fraction || evidence.beside > kP.max_beside_fraction) return presence;
  if (evidence.behind_t && evidence.of_t < kP.min_t_fraction) return presence;
  const Stretch stretch = stretch_of(p, search.slope_box);
  const Consistency same = consistency(beat.signal(), beat.group(), stretch, true);
  if (same.ratio < kP.min_consistency_ratio || median(same.correlations) < kP.min_median_correlation) return presence;
  if (!belongs_to_own_beat(beat.signal(), beat.group(), stretch)) return presence;
  presence.shifts = same.shifts;
  for (std::size_t i = 0; i < beat.beats(); ++i) {
    presence.present[i] = same.correlations[i] > kP.min_beat_correlation;
  }
  return presence;
}

}  // namespace cardiograd::dsp
