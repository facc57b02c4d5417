#include "dsp/delineation/qrs_search.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Per lead, with thresholds of its own, near those of all leads.
std::vector<std::optional<Extent>> lead_extents(const AverageBeat& beat, const FoundQrs& qrs) {
  const QrsActivity& activity = qrs.activity;
  ExtentSearch search{
      .threshold = 0.0,
      .gap = qrs.window.gap,
      .from = qrs.window.from,
      .to = qrs.window.to,
      .lowest = std::max(qrs.window.lowest,
                         static_cast<Eigen::Index>(qrs.all_leads.onset) - beat.samples(kQrs.before_all_leads_s)),
      .highest = beat.inside(static_cast<Eigen::Index>(qrs.all_leads.offset) + beat.samples(kQrs.after_all_leads_s)),
      .before_gap = kQrs.before_gap_fraction,
      .before_gap_length = beat.samples(kQrs.before_gap_s)};
  std::vector<std::optional<Extent>> extents(beat.leads());
  for (std::size_t l = 0; l < beat.leads(); ++l) {
    if (activity.weights[l] == 0.0) continue;
    const double least = kQrs.min_backgrounds * activity.backgrounds[l];
    Extent extent;
    search.threshold = std::max(kQrs.lead_onset_fraction, least);
    extent.onset = active_extent(activity.slopes[l], search).onset;
    search.threshold = std::max(kQrs.all_leads_fraction, least);
    extent.offset = active_extent(activity.slopes[l], search).offset;
    extents[l] = extent;
  }
  return extents;
}

// Draws the boundaries of each lead to the weighted median of the leads.
void draw_to_consensus(const std::vector<double>& weights, std::vector<std::optional<Extent>>& leads) {
  std::vector<std::pair<double, double>> onsets, offsets;
  for (std::size_t l = 0; l < leads.size(); ++l) {
    if (!leads[l]) continue;
    onsets.emplace_back(leads[l]->onset, weights[l]);
    offsets.emplace_back(leads[l]->offset, weights[l]);
  }
  const double onset = weighted_median(onsets), offset = weighted_median(offsets);
  for (std::optional<Extent>& lead : leads) {
    if (!lead) continue;
    lead->onset = onset + kWave.own_fraction.qrs * (lead->onset - onset);
    lead->offset = offset + kWave.own_fraction.qrs * (lead->offset - offset);
  }
}

double largest_deflection(const AverageBeat& beat, std::size_t lead, const Extent& qrs) {
  const Eigen::Index from = beat.inside(static_cast<Eigen::Index>(qrs.onset));
  const Eigen::Index to = std::max(from, beat.inside(static_cast<Eigen::Index>(qrs.offset)));
  const auto column = beat.group().average.col(static_cast<Eigen::Index>(lead));
  Eigen::Index peak = 0;
  (column.segment(from, to - from + 1) - column[from]).abs().maxCoeff(&peak);
  return static_cast<double>(from + peak);
}

// Each beat's own boundaries over all leads, with the threshold of the average. A single beat's noise counts half.
void find_beat_shifts(const AverageBeat& beat, FoundQrs& qrs) {
  qrs.onset_shifts.assign(beat.beats(), 0.0);
  qrs.offset_shifts.assign(beat.beats(), 0.0);
  if (beat.beats() < 2) return;
  const BeatGroup& group = beat.group();
  const Eigen::Index width = qrs.window.slope_box, margin = beat.samples(kQrs.beat_margin_s);
  const Eigen::Index low = std::max(qrs.window.lowest, static_cast<Eigen::Index>(qrs.all_leads.onset) - margin);
  const Eigen::Index high = static_cast<Eigen::Index>(qrs.all_leads.offset) + margin;
  Eigen::ArrayXd window(high - low + 1 + 2 * width), activity(high - low + 1);
  const std::vector<double>& weights = qrs.activity.energy_weights;
  for (std::size_t i = 0; i < beat.beats(); ++i) {
    activity.setZero();
    for (std::size_t l = 0; l < weights.size(); ++l) {
      if (weights[l] == 0.0) continue;
      copy_window(beat.signal(), static_cast<Eigen::Index>(l), group.centers[i] - group.center + low - width, window);
      activity += weights[l] * box_slope(window, width, beat.rate()).segment(width, activity.size()).square();
    }
    activity = activity.sqrt();
    const Eigen::Index last = activity.size() - 1;
    const Extent own = active_extent(activity, {.threshold = qrs.threshold * qrs.steepest / activity.maxCoeff(),
                                                .gap = activity.size(),
                                                .from = 0,
                                                .to = last,
                                                .lowest = 0,
                                                .highest = last});
    qrs.onset_shifts[i] = kQrs.beat_fraction * (own.onset + static_cast<double>(low) - qrs.all_leads.onset);
    qrs.offset_shifts[i] = kQrs.beat_fraction * (own.offset + static_cast<double>(low) - qrs.all_leads.offset);
  }
}

// The background of the activity as a fraction of what it has at the complex, both averaged over the length of a
// complex: the slope of a single lead is 0 at every turn.
double level_beside(const AverageBeat& beat, const QrsWindow& window, const Eigen::ArrayXd& activity) {
  const Eigen::Index half = beat.samples(0.5 * kRPeak.smoothing_s);
  Eigen::ArrayXd mean(activity.size());
  for (Eigen::Index t = 0; t < activity.size(); ++t) {
    const Eigen::Index from = std::max<Eigen::Index>(0, t - half), to = std::min(activity.size() - 1, t + half);
    mean[t] = std::sqrt(activity.segment(from, to - from + 1).square().mean());
  }
  const double highest = mean.segment(window.from, window.to - window.from + 1).maxCoeff();
  return beat.background(mean, kWave.background_quantile.qrs) / highest;
}

}  // namespace

QrsWindow qrs_window(const AverageBeat& beat) {
  const Eigen::Index c = beat.center();
  QrsWindow window{};
  window.earliest = window.lowest = beat.inside(c - beat.samples(kQrs.max_before_s));
  if (const std::optional<double> stimulus = beat.stimulus(window.earliest, c)) {
    window.lowest = beat.inside(static_cast<Eigen::Index>(*stimulus + kQrs.after_stimulus_s * beat.rate()));
  }
  window.highest = beat.inside(c + beat.samples(kQrs.max_after_s));
  window.from = std::max(window.lowest, beat.inside(c - beat.samples(kBeatGroup.shape_s)));
  window.to = beat.inside(c + beat.samples(kBeatGroup.shape_s));
  window.slope_box = beat.samples(kWave.slope_box_s.qrs);
  window.gap = beat.samples(kQrs.gap_s);
  return window;
}

QrsActivity qrs_activity(const AverageBeat& beat, const QrsWindow& window) {
  const std::size_t leads = beat.leads();
  QrsActivity result;
  result.slopes.resize(leads);
  result.steepest.assign(leads, 0.0);
  result.backgrounds.assign(leads, 0.0);
  result.weights.assign(leads, 0.0);
  result.energy_weights.assign(leads, 0.0);
  Eigen::ArrayXd energy = Eigen::ArrayXd::Zero(beat.length());
  double total = 0.0;
  for (std::size_t l = 0; l < leads; ++l) {
    if (beat.signal().usable[l] == 0) continue;
    Eigen::ArrayXd slope = box_slope(beat.lead(l), window.slope_box, beat.rate()).abs();
    const double largest = slope.segment(window.from, window.to - window.from + 1).maxCoeff();
    if (!(largest > 0.0)) continue;
    slope /= largest;
    result.steepest[l] = largest;
    result.backgrounds[l] = beat.background(slope, kWave.background_quantile.qrs);
    result.weights[l] = 1.0 / std::max(result.backgrounds[l], 1.0 / kQrs.trusted_ratio);
    energy += result.weights[l] * slope.square();
    total += result.weights[l];
    result.energy_weights[l] = result.weights[l] / (largest * largest);
    result.slopes[l] = std::move(slope);
  }
  if (total == 0.0) return result;
  result.all_leads = (energy / total).sqrt();
  for (double& weight : result.energy_weights) weight /= total;
  return result;
}

std::optional<FoundQrs> find_qrs(const AverageBeat& beat) {
  FoundQrs qrs;
  qrs.window = qrs_window(beat);
  qrs.activity = qrs_activity(beat, qrs.window);
  const Eigen::ArrayXd& activity = qrs.activity.all_leads;
  if (activity.size() == 0) return std::nullopt;
  const QrsWindow& window = qrs.window;
  qrs.steepest = activity.segment(window.from, window.to - window.from + 1).maxCoeff();
  qrs.threshold =
      std::max(kQrs.all_leads_fraction,
               kQrs.min_backgrounds * beat.background(activity, kWave.background_quantile.qrs) / qrs.steepest);
  if (!(level_beside(beat, window, activity) <= kQrs.max_beside_fraction)) return std::nullopt;
  qrs.all_leads = active_extent(activity, {.threshold = qrs.threshold,
                                           .gap = window.gap,
                                           .from = window.from,
                                           .to = window.to,
                                           .lowest = window.lowest,
                                           .highest = window.highest,
                                           .before_gap = kQrs.before_gap_fraction,
                                           .before_gap_length = beat.samples(kQrs.before_gap_s)});
  find_beat_shifts(beat, qrs);
  qrs.leads = lead_extents(beat, qrs);
  draw_to_consensus(qrs.activity.weights, qrs.leads);
  qrs.peaks.assign(beat.leads(), 0.0);
  for (std::size_t l = 0; l < beat.leads(); ++l) {
    if (qrs.leads[l]) qrs.peaks[l] = largest_deflection(beat, l, *qrs.leads[l]);
  }
  return qrs;
}

}  // namespace cardiograd::dsp
