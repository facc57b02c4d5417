#include "dsp/delineation/p_t_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// What a hump counts by its form: a level stretch between two waves is none of its own.
double form(const WaveSearch& search, const Hump& hump) {
  return std::pow(std::min(1.0, hump.roundness / kPAndT.full_roundness_ratio), search.roundness_order) *
         std::pow(std::min(1.0, hump.turning / kPAndT.full_turning_fraction), search.turning_order);
}

// What does not depend on the beat, from the column of the table of constants that `wave` names.
WaveSearch search_of(const AverageBeat& beat, double PerWave::*column, double PerPAndT::*wave) {
  const double rate = beat.rate();
  const auto samples = [&](const PerPAndT& seconds) { return seconds.*wave * rate; };
  WaveSearch search{};
  search.slope_box = beat.samples(kWave.slope_box_s.*column);
  search.background_quantile = kWave.background_quantile.*column;
  search.min_background_fraction = kRPeak.min_background_fraction;
  search.spread = samples(kPAndT.spread_s);
  search.early_weight = kPAndT.early_weight.*wave;
  search.support = kPAndT.support_s * rate;
  search.support_reach = kPAndT.support_reach_sigmas * search.support;
  search.trusted_backgrounds = kPAndT.trusted_backgrounds;
  search.roundness_order = kPAndT.roundness_order.*wave;
  search.turning_order = kPAndT.turning_order.*wave;
  search.near = 2.0 * search.support;
  search.near_reach_sigmas = kPAndT.near_reach_sigmas;
  search.phase_before_fraction = kPAndT.phase_before_fraction.*wave;
  search.phase_after_fraction = kPAndT.phase_after_fraction.*wave;
  search.phase_before = samples(kPAndT.phase_before_s);
  search.phase_after = samples(kPAndT.phase_after_s);
  search.limits.reach_before = beat.samples(kPAndT.reach_before_s.*wave);
  search.own_fraction = kWave.own_fraction.*column;
  search.outlier = kPAndT.outlier_s * rate;
  search.outlier_peak = kPAndT.outlier_peak_ratio * search.outlier;
  return search;
}

// Draws the boundaries of each lead to the weighted median of the leads.
void draw_to_consensus(const WaveSearch& search, const std::vector<double>& weights,
                       std::vector<std::optional<FoundWave>>& leads) {
  std::vector<std::pair<double, double>> onsets, peaks, offsets;
  for (std::size_t l = 0; l < leads.size(); ++l) {
    if (!leads[l]) continue;
    onsets.emplace_back(leads[l]->onset, weights[l]);
    peaks.emplace_back(leads[l]->peak, weights[l]);
    offsets.emplace_back(leads[l]->offset, weights[l]);
  }
  if (onsets.size() < search.min_consensus_leads) return;
  const double onset = weighted_median(onsets), peak = weighted_median(peaks), offset = weighted_median(offsets);
  const double far = search.outlier;
  for (std::optional<FoundWave>& wave : leads) {
    if (!wave) continue;
    wave->onset = onset + search.own_fraction * std::clamp(wave->onset - onset, -far, far);
    wave->offset = offset + search.own_fraction * std::clamp(wave->offset - offset, -far, far);
    if (std::abs(wave->peak - peak) > search.outlier_peak) wave->peak = peak;
    wave->offset = std::max(wave->offset, wave->onset);
    wave->peak = std::clamp(wave->peak, wave->onset, wave->offset);
  }
}

// When the T wave of the beat before ends, in seconds after its R peak.
double t_end_s(const AverageBeat& beat, std::span<const std::optional<FoundWave>> t_waves, double rr_before_s) {
  std::vector<double> ends;
  for (const std::optional<FoundWave>& t : t_waves) {
    if (!t) continue;
    ends.push_back((t->offset - static_cast<double>(beat.center())) / beat.rate() + kP.after_last_t_s);
  }
  const double usual = kP.last_t_end_bazett_s * std::sqrt(rr_before_s);
  return ends.empty() ? usual : std::max(usual, median(ends));
}

}  // namespace

WaveSearch t_search(const AverageBeat& beat, double qrs_end, double rr_after_s) {
  const double root = std::sqrt(rr_after_s);
  // 1 at 67 beats a minute: slow hearts' T falls longer.
  const double slowness = std::clamp(rr_after_s, kT.min_scaled_rr_s, kT.max_scaled_rr_s) / kT.reference_rr_s;
  const double latest =
      std::min(kT.latest_rr_fraction * rr_after_s - kP.after_last_t_s, kT.latest_bazett_s * root + kT.latest_extra_s);
  const auto end = static_cast<Eigen::Index>(qrs_end);
  WaveSearch search = search_of(beat, &PerWave::t, &PerPAndT::t);
  search.from = beat.inside(end + beat.samples(kPAndT.peak_from_qrs_s.t));
  search.to = beat.inside(beat.center() + beat.samples(latest));
  search.expected = static_cast<double>(beat.center()) + kPAndT.expected_s.t * root * beat.rate();
  search.limits.lowest = beat.inside(end + beat.samples(kPAndT.bound_from_qrs_s.t));
  search.limits.highest = beat.inside(std::min(search.to + beat.samples(kPAndT.bound_beyond_peak_s.t),
                                               beat.center() + beat.samples(rr_after_s - kBeatGroup.next_qrs_s)));
  search.limits.reach_after = beat.samples(kPAndT.reach_after_s.t * slowness);
  search.limits.symmetry = kPAndT.symmetry_ratio * slowness;
  search.limits.own_reach_before = true;  // The segment before T slopes: its corner is sought near.
  search.min_consensus_leads = kAllLeads.second_opinion_leads;
  return search;
}

WaveSearch p_search(const AverageBeat& beat, double qrs_onset, std::span<const std::optional<FoundWave>> t_waves,
                    double rr_before_s) {
  const double earliest = std::min(kP.earliest_s, rr_before_s - t_end_s(beat, t_waves, rr_before_s));
  const auto start = static_cast<Eigen::Index>(qrs_onset);
  WaveSearch search = search_of(beat, &PerWave::p, &PerPAndT::p);
  search.from = beat.inside(beat.center() - beat.samples(earliest));
  search.to = beat.inside(start - beat.samples(kPAndT.peak_from_qrs_s.p));
  search.expected = static_cast<double>(start) - kPAndT.expected_s.p * beat.rate();
  search.limits.lowest = std::max(beat.inside(beat.center() - beat.samples(kP.earliest_s)),
                                  beat.inside(search.from - beat.samples(kPAndT.bound_beyond_peak_s.p)));
  search.limits.highest = beat.inside(start - beat.samples(kPAndT.bound_from_qrs_s.p));
  search.limits.reach_after = beat.samples(kPAndT.reach_after_s.p);
  search.limits.symmetry = kPAndT.symmetry_ratio;
  search.min_consensus_leads = 1;
  return search;
}

LeadSlopes lead_slopes(const AverageBeat& beat, const WaveSearch& search, const std::vector<char>& leads) {
  LeadSlopes result{std::vector<Eigen::ArrayXd>(leads.size()), std::vector<double>(leads.size(), 1.0)};
  for (std::size_t l = 0; l < leads.size(); ++l) {
    if (leads[l] == 0) continue;
    Eigen::ArrayXd slope = box_slope(beat.lead(l), search.slope_box, beat.rate());
    const double background = std::max(beat.background(slope.abs(), search.background_quantile),
                                       search.min_background_fraction * slope.abs().maxCoeff());
    if (!(background > 0.0)) continue;
    result.backgrounds[l] = background;
    result.slopes[l] = std::move(slope);
  }
  return result;
}

LeadHumps lead_humps(const WaveSearch& search, const LeadSlopes& slopes) {
  LeadHumps found{std::vector<std::vector<Hump>>(slopes.slopes.size()), slopes.backgrounds};
  for (std::size_t l = 0; l < slopes.slopes.size(); ++l) {
    if (slopes.slopes[l].size() == 0) continue;
    found.humps[l] =
        humps(slopes.slopes[l], search.limits.lowest + search.slope_box, search.limits.highest - search.slope_box);
  }
  return found;
}

CommonPlace common_place(const AverageBeat& beat, const WaveSearch& search, const LeadHumps& humps) {
  const auto reach = static_cast<Eigen::Index>(search.support_reach);
  CommonPlace common{Eigen::ArrayXd::Zero(beat.length()), Eigen::ArrayXd::Zero(beat.length()), -1};
  Eigen::ArrayXd gaussian(2 * reach + 1);  // [reach + d]: at the distance d.
  for (Eigen::Index d = 0; d <= reach; ++d) {
    const double u = static_cast<double>(d) / search.support;
    gaussian[reach + d] = gaussian[reach - d] = std::exp(-0.5 * u * u);
  }
  for (std::size_t l = 0; l < humps.humps.size(); ++l) {
    for (const Hump& hump : humps.humps[l]) {
      const double height = std::min(std::abs(hump.strength) / humps.backgrounds[l], search.trusted_backgrounds) *
                            std::sqrt(static_cast<double>(hump.after - hump.before)) * form(search, hump);
      const auto middle = static_cast<Eigen::Index>(hump.middle());
      const Eigen::Index first = std::max(search.from, middle - reach);
      const Eigen::Index count = std::min(search.to, middle + reach) - first + 1;
      if (count < 1) continue;
      common.support.segment(first, count) += height * gaussian.segment(first - middle + reach, count);
    }
  }
  double most = 0.0;
  for (Eigen::Index t = search.from; t <= search.to; ++t) {
    const double u = (static_cast<double>(t) - search.expected) / search.spread;
    common.prior[t] = std::max(u < 0.0 ? search.early_weight : 0.0, std::exp(-0.5 * u * u));
    const double value = common.support[t] * common.prior[t];
    if (value > most) {
      most = value;
      common.place = t;
    }
  }
  return common;
}

void part_windows(const AverageBeat& beat, const LeadSlopes& t_slopes, const LeadSlopes& p_slopes, double rr_before_s,
                  WaveSearch& for_t, WaveSearch& for_p) {
  if (for_t.to <= for_t.from || for_p.to <= for_p.from) return;
  const CommonPlace t = common_place(beat, for_t, lead_humps(for_t, t_slopes));
  const CommonPlace p = common_place(beat, for_p, lead_humps(for_p, p_slopes));
  if (t.place < 0 || p.place < 0) return;
  const Eigen::Index rr = beat.samples(rr_before_s), apart = beat.samples(2.0 * kP.after_last_t_s);
  // best_t: of the places for T that leave room for P at `at`.
  Eigen::Index best_t = -1, next_t = for_t.from, t_place = t.place, p_place = p.place;
  double best = -1.0;
  const auto value = [](const CommonPlace& of, Eigen::Index at) { return of.support[at] * of.prior[at]; };
  for (Eigen::Index at = for_p.from; at <= for_p.to; ++at) {
    for (; next_t <= std::min(for_t.to, at + rr - apart); ++next_t) {
      if (best_t < 0 || value(t, next_t) > value(t, best_t)) best_t = next_t;
    }
    if (best_t < 0 || value(t, best_t) + value(p, at) <= best) continue;
    best = value(t, best_t) + value(p, at);
    t_place = best_t;
    p_place = at;
  }
  if (best < 0.0) return;
  const Eigen::Index p_begins = p_place - beat.samples(kP.after_last_t_s);
  for_t.to = std::clamp(p_place + rr - apart, for_t.from, for_t.to);
  for_t.limits.highest = std::clamp(p_begins + rr, for_t.to, std::max(for_t.to, for_t.limits.highest));
  for_p.from = std::clamp(t_place - rr + apart, for_p.from, for_p.to);
}

std::optional<WaveHumps> humps_near(const WaveSearch& search, const std::vector<Hump>& humps, Eigen::Index place) {
  const auto allowed = [&](const Hump& hump) {
    return hump.middle() >= static_cast<double>(search.from) && hump.middle() <= static_cast<double>(search.to);
  };
  std::size_t main = humps.size();
  double best = 0.0;
  for (std::size_t i = 0; i < humps.size(); ++i) {
    const double u = (humps[i].middle() - static_cast<double>(place)) / search.near;
    if (std::abs(u) > search.near_reach_sigmas || !allowed(humps[i])) continue;
    const double score = std::abs(humps[i].strength) * form(search, humps[i]) * std::exp(-0.5 * u * u);
    if (score > best) {
      best = score;
      main = i;
    }
  }
  if (main == humps.size()) return std::nullopt;
  const auto second_phase = [&](std::size_t i, double least, double apart) {
    return allowed(humps[i]) && std::abs(humps[i].strength) >= least * std::abs(humps[main].strength) &&
           std::abs(humps[i].middle() - humps[main].middle()) < apart;
  };
  const bool before = main > 0 && second_phase(main - 1, search.phase_before_fraction, search.phase_before);
  const bool after = main + 1 < humps.size() && second_phase(main + 1, search.phase_after_fraction, search.phase_after);
  return WaveHumps{before ? main - 1 : main, main, after ? main + 1 : main};
}

Stretch stretch_of(const FoundWaves& found, Eigen::Index slope_box) {
  std::vector<double> onsets, offsets;
  for (const std::optional<FoundWave>& wave : found.leads) {
    if (!wave) continue;
    onsets.push_back(wave->onset);
    offsets.push_back(wave->offset);
  }
  return {.from = median(onsets), .to = median(offsets), .slope_box = slope_box};
}

FoundWaves find_wave(const AverageBeat& beat, const WaveSearch& search, const LeadSlopes& slopes) {
  const std::size_t leads = slopes.slopes.size();
  FoundWaves found;
  found.leads.resize(leads);
  if (search.to <= search.from) return found;
  const LeadHumps all = lead_humps(search, slopes);
  const Eigen::Index place = common_place(beat, search, all).place;
  if (place < 0) return found;
  std::vector<double> weights(leads, 0.0);
  for (std::size_t l = 0; l < leads; ++l) {
    const std::optional<WaveHumps> which = humps_near(search, all.humps[l], place);
    if (!which) continue;
    found.leads[l] = outline(beat.lead(l), all.humps[l], *which, search.limits);
    weights[l] = found.leads[l]->strength / all.backgrounds[l];
    found.strongest = std::max(found.strongest, weights[l]);
  }
  draw_to_consensus(search, weights, found.leads);
  return found;
}

FoundWaves find_wave(const AverageBeat& beat, const WaveSearch& search, const std::vector<char>& leads) {
  return find_wave(beat, search, lead_slopes(beat, search, leads));
}

}  // namespace cardiograd::dsp
