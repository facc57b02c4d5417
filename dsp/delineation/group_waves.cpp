#include "dsp/delineation/group_waves.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "dsp/delineation/consistency.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// QRS complex.
constexpr double kQrsSlopeSeconds = 0.026;  // Boxes that slopes are taken over.
constexpr double kQrsGapSeconds = 0.024;    // Of little slope that a complex may have inside.
constexpr double kQrsShare = 0.12;          // Of the largest slope over all leads, where the complex begins and ends.
constexpr double kQrsOnsetShareOfLead = 0.09;  // The same in one lead.
constexpr double kQrsOffsetShareOfLead = 0.12;
constexpr double kQrsBackgrounds = 2.5;     // Or that many times the background, where that is more.
constexpr double kQrsBeforeGlobal = 0.016;  // Seconds that a lead's onset may lie before that of all leads,
constexpr double kQrsAfterGlobal = 0.020;   // and its end after.
constexpr double kQrsOwn = 0.6;             // How much of a lead's distance to the consensus stays.
constexpr double kStimulusSeconds = 0.014;  // After a stimulus its own decay ends.
// P and T.
constexpr double kPSlopeSeconds = 0.030;
constexpr double kTSlopeSeconds = 0.055;
constexpr double kOwn = 0.7;               // As kQrsOwn.
constexpr double kFarSeconds = 0.05;       // From the consensus: an outlier, cut to that.
constexpr double kSupportSeconds = 0.03;   // Kernel in which humps of different leads support each other.
constexpr double kNearSeconds = 0.06;      // From the common place, for a lead's own hump.
constexpr double kTrustedStrength = 20.0;  // In backgrounds, from which on a hump counts no more.
constexpr double kBiphasic = 0.7;          // Least strength of a phase before the main one relative to it,
constexpr double kBiphasicAfterT = 1.1;    // and of a phase after that of T, which else may be a U wave.
constexpr double kSymmetry = 1.45;         // A wave falls about as long after the steepest sample as before it.
constexpr std::size_t kFewLeads = 3;       // Have no consensus about the end of T: each lead keeps its own.
// Presence of P.
constexpr std::size_t kMinBeats = 3;
constexpr double kMinRatio = 5.0;  // Of Consistency::ratio; 1 is what fibrillation gives.
constexpr double kMinMedianCorrelation = 0.6;
constexpr double kMinCorrelation = 0.2;  // Of a single beat.
// The largest strength over leads in backgrounds; the largest of many leads is larger by chance.
constexpr double kMinStrength = 3.0, kMinStrengthManyLeads = 6.0;
constexpr std::size_t kManyLeads = 6;

double quantile(std::vector<double> values, double share) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// The value at half the weight.
double weighted_median(std::vector<std::pair<double, double>> values) {
  std::sort(values.begin(), values.end());
  double total = 0.0;
  for (const auto& [value, weight] : values) total += weight;
  double sum = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    sum += values[i].second;
    if (sum > 0.5 * total) return values[i].first;
    if (sum == 0.5 * total) return 0.5 * (values[i].first + values[std::min(i + 1, values.size() - 1)].first);
  }
  return kMissing;
}

// What is searched for, in samples: where the peak may be and is expected, how far boundaries may lie.
struct Search {
  Eigen::Index width, from, to, lowest, highest, reach_before, reach_after;
  double expected, spread;
  double early_share;  // Of the full weight, that a place however early keeps.
  double phases_apart, phases_apart_after, biphasic_after, symmetry;
};

using WaveMember = std::optional<FoundWave> LeadWaves::*;

class GroupSearch {
 public:
  GroupSearch(const WorkingSignal& signal, const BeatGroup& group)
      : signal_(signal), group_(group), rate_(signal.rate), length_(group.average.rows()) {
    waves_.leads.resize(signal.usable.size());
    waves_.p_present.assign(group.beats.size(), 0);
    waves_.p_shifts.assign(group.beats.size(), 0.0);
    waves_.t_shifts.assign(group.beats.size(), 0.0);
    waves_.qrs_onset_shifts.assign(group.beats.size(), 0.0);
    waves_.qrs_offset_shifts.assign(group.beats.size(), 0.0);
  }

  GroupWaves run(double rr_before_s, double rr_after_s) {
    find_qrs();
    if (found_qrs_) {
      find_t(rr_after_s);
      find_p(rr_before_s);
    }
    return std::move(waves_);
  }

 private:
  Eigen::Index samples(double seconds) const { return static_cast<Eigen::Index>(std::lround(seconds * rate_)); }
  Eigen::Index inside(Eigen::Index t) const { return std::clamp<Eigen::Index>(t, 0, length_ - 1); }
  Eigen::ArrayXd lead(std::size_t l) const { return group_.average.col(static_cast<Eigen::Index>(l)); }

  // Of the samples that beats contribute to.
  double background(const Eigen::ArrayXd& magnitude, double share) const {
    return quantile({magnitude.data() + group_.from, magnitude.data() + group_.to + 1}, share);
  }

  Eigen::Index after_stimulus(Eigen::Index from) const;
  void find_qrs();
  void agree_on_qrs(const std::vector<double>& weights);
  void vary_qrs(const std::vector<double>& scaled_weights, double share, double peak, Eigen::Index lowest);
  void find_t(double rr_after_s);
  void find_p(double rr_before_s);
  double find(const Search& search, WaveMember member);
  Eigen::Index common_place(const Search& search, const std::vector<std::vector<Hump>>& humps,
                            const std::vector<double>& backgrounds) const;
  bool outline_near(const Search& search, std::size_t l, const std::vector<Hump>& humps, Eigen::Index place,
                    WaveMember member);
  void agree(WaveMember member, const std::vector<double>& weights);
  Consistency common(WaveMember member, Eigen::Index width, bool of_some_beats) const;

  const WorkingSignal& signal_;
  const BeatGroup& group_;
  double rate_;
  Eigen::Index length_;
  GroupWaves waves_;
  Extent qrs_;  // Over all leads.
  bool found_qrs_ = false;
};

// Where a stimulus that most beats of the group have ends, or `from`.
Eigen::Index GroupSearch::after_stimulus(Eigen::Index from) const {
  std::vector<double> positions;
  for (const Eigen::Index center : group_.centers) {
    const auto start = static_cast<double>(center - group_.center);
    const auto first = std::lower_bound(signal_.stimuli_s.begin(), signal_.stimuli_s.end(),
                                        (start + static_cast<double>(from)) / rate_);
    if (first == signal_.stimuli_s.end()) continue;
    const double position = *first * rate_ - start;
    if (position <= static_cast<double>(group_.center)) positions.push_back(position);
  }
  if (2 * positions.size() <= group_.centers.size()) return from;
  return inside(static_cast<Eigen::Index>(median(positions) + kStimulusSeconds * rate_));
}

void GroupSearch::find_qrs() {
  const Eigen::Index c = group_.center, width = samples(kQrsSlopeSeconds), gap = samples(kQrsGapSeconds);
  const Eigen::Index lowest = after_stimulus(inside(c - samples(0.15))), highest = inside(c + samples(0.20));
  const Eigen::Index from = std::max(lowest, inside(c - samples(0.07))), to = inside(c + samples(0.08));
  const std::size_t leads = waves_.leads.size();
  std::vector<Eigen::ArrayXd> slopes(leads);
  std::vector<double> weights(leads, 0.0), scaled_weights(leads, 0.0), backgrounds(leads, 0.0);
  Eigen::ArrayXd activity = Eigen::ArrayXd::Zero(length_);
  double total = 0.0;
  for (std::size_t l = 0; l < leads; ++l) {
    if (signal_.usable[l] == 0) continue;
    slopes[l] = box_slope(lead(l), width, rate_).abs();
    const double largest = slopes[l].segment(from, to - from + 1).maxCoeff();
    if (!(largest > 0.0)) continue;
    slopes[l] /= largest;
    constexpr double kTrustedRatio = 40.0;
    backgrounds[l] = background(slopes[l], 0.3);
    weights[l] = 1.0 / std::max(backgrounds[l], 1.0 / kTrustedRatio);
    activity += weights[l] * slopes[l].square();
    total += weights[l];
    scaled_weights[l] = weights[l] / (largest * largest);
  }
  if (total == 0.0) return;
  found_qrs_ = true;
  activity = (activity / total).sqrt();
  const double peak = activity.segment(from, to - from + 1).maxCoeff();
  const double share = std::max(kQrsShare, kQrsBackgrounds * background(activity, 0.3) / peak);
  qrs_ = active_extent(activity, share, gap, from, to, lowest, highest);
  for (double& weight : scaled_weights) weight /= total;
  vary_qrs(scaled_weights, share, peak, lowest);
  const Eigen::Index low = std::max(lowest, static_cast<Eigen::Index>(qrs_.onset) - samples(kQrsBeforeGlobal));
  const Eigen::Index high = inside(static_cast<Eigen::Index>(qrs_.offset) + samples(kQrsAfterGlobal));
  for (std::size_t l = 0; l < leads; ++l) {
    if (weights[l] == 0.0) continue;
    const double least = kQrsBackgrounds * backgrounds[l];
    const double on_share = std::max(kQrsOnsetShareOfLead, least), off_share = std::max(kQrsOffsetShareOfLead, least);
    waves_.leads[l].qrs = Extent{active_extent(slopes[l], on_share, gap, from, to, low, high).onset,
                                 active_extent(slopes[l], off_share, gap, from, to, low, high).offset};
  }
  agree_on_qrs(weights);
}

// Each beat's own boundaries over all leads, with the threshold of the average. A single beat's noise counts half.
void GroupSearch::vary_qrs(const std::vector<double>& scaled_weights, double share, double peak, Eigen::Index lowest) {
  constexpr double kTrust = 0.5, kFarthest = 0.02;
  const Eigen::Index width = samples(kQrsSlopeSeconds), margin = samples(kFarthest);
  const Eigen::Index low = std::max(lowest, static_cast<Eigen::Index>(qrs_.onset) - margin);
  const Eigen::Index high = static_cast<Eigen::Index>(qrs_.offset) + margin;
  Eigen::ArrayXd window(high - low + 1 + 2 * width), activity(high - low + 1);
  for (std::size_t i = 0; i < group_.beats.size() && group_.beats.size() > 1; ++i) {
    activity.setZero();
    for (std::size_t l = 0; l < scaled_weights.size(); ++l) {
      if (scaled_weights[l] == 0.0) continue;
      copy_window(signal_, static_cast<Eigen::Index>(l), group_.centers[i] - group_.center + low - width, window);
      activity += scaled_weights[l] * box_slope(window, width, rate_).segment(width, activity.size()).square();
    }
    activity = activity.sqrt();
    const double level = share * peak / activity.maxCoeff();
    const Extent own = active_extent(activity, level, activity.size(), 0, activity.size() - 1, 0, activity.size() - 1);
    waves_.qrs_onset_shifts[i] = kTrust * (own.onset + static_cast<double>(low) - qrs_.onset);
    waves_.qrs_offset_shifts[i] = kTrust * (own.offset + static_cast<double>(low) - qrs_.offset);
  }
}

void GroupSearch::agree_on_qrs(const std::vector<double>& weights) {
  std::vector<std::pair<double, double>> onsets, offsets;
  for (std::size_t l = 0; l < waves_.leads.size(); ++l) {
    if (!waves_.leads[l].qrs) continue;
    onsets.emplace_back(waves_.leads[l].qrs->onset, weights[l]);
    offsets.emplace_back(waves_.leads[l].qrs->offset, weights[l]);
  }
  const double onset = weighted_median(onsets), offset = weighted_median(offsets);
  for (std::size_t l = 0; l < waves_.leads.size(); ++l) {
    if (!waves_.leads[l].qrs) continue;
    Extent& qrs = *waves_.leads[l].qrs;
    qrs.onset = onset + kQrsOwn * (qrs.onset - onset);
    qrs.offset = offset + kQrsOwn * (qrs.offset - offset);
    const Eigen::Index from = inside(static_cast<Eigen::Index>(qrs.onset));
    const Eigen::Index to = std::max(from, inside(static_cast<Eigen::Index>(qrs.offset)));
    const auto column = group_.average.col(static_cast<Eigen::Index>(l));
    Eigen::Index peak = 0;
    (column.segment(from, to - from + 1) - column[from]).abs().maxCoeff(&peak);
    waves_.leads[l].qrs_peak = static_cast<double>(from + peak);
  }
}

// The place that most humps of all leads support, the nearer to where the wave is expected the more; -1 if none.
Eigen::Index GroupSearch::common_place(const Search& search, const std::vector<std::vector<Hump>>& humps,
                                       const std::vector<double>& backgrounds) const {
  const double kernel = kSupportSeconds * rate_;
  const auto reach = static_cast<Eigen::Index>(3.0 * kernel);
  Eigen::ArrayXd support = Eigen::ArrayXd::Zero(length_);
  for (std::size_t l = 0; l < humps.size(); ++l) {
    for (const Hump& hump : humps[l]) {
      const double height = std::min(std::abs(hump.strength) / backgrounds[l], kTrustedStrength) *
                            std::sqrt(static_cast<double>(hump.after - hump.before));
      const auto middle = static_cast<Eigen::Index>(hump.middle());
      for (Eigen::Index t = std::max(search.from, middle - reach); t <= std::min(search.to, middle + reach); ++t) {
        const double u = static_cast<double>(t - middle) / kernel;
        support[t] += height * std::exp(-0.5 * u * u);
      }
    }
  }
  Eigen::Index place = -1;
  double most = 0.0;
  for (Eigen::Index t = search.from; t <= search.to; ++t) {
    const double u = (static_cast<double>(t) - search.expected) / search.spread;
    const double value = support[t] * std::max(u < 0.0 ? search.early_share : 0.0, std::exp(-0.5 * u * u));
    if (value > most) {
      most = value;
      place = t;
    }
  }
  return place;
}

// The strongest hump of one lead near the common place, with a second phase if it has one.
bool GroupSearch::outline_near(const Search& search, std::size_t l, const std::vector<Hump>& humps, Eigen::Index place,
                               WaveMember member) {
  const double near = kNearSeconds * rate_;
  const auto allowed = [&](const Hump& hump) {
    return hump.middle() >= static_cast<double>(search.from) && hump.middle() <= static_cast<double>(search.to);
  };
  std::size_t main = humps.size();
  double best = 0.0;
  for (std::size_t i = 0; i < humps.size(); ++i) {
    const double u = (humps[i].middle() - static_cast<double>(place)) / near;
    if (std::abs(u) > 1.5 || !allowed(humps[i])) continue;
    const double score = std::abs(humps[i].strength) * std::exp(-0.5 * u * u);
    if (score > best) {
      best = score;
      main = i;
    }
  }
  if (main == humps.size()) return false;
  const auto second_phase = [&](std::size_t i, double least, double apart) {
    return allowed(humps[i]) && std::abs(humps[i].strength) >= least * std::abs(humps[main].strength) &&
           std::abs(humps[i].middle() - humps[main].middle()) < apart;
  };
  const bool before = main > 0 && second_phase(main - 1, kBiphasic, search.phases_apart);
  const bool after =
      main + 1 < humps.size() && second_phase(main + 1, search.biphasic_after, search.phases_apart_after);
  waves_.leads[l].*member =
      outline(lead(l), humps, before ? main - 1 : main, main, after ? main + 1 : main, search.lowest, search.highest,
              search.reach_before, search.reach_after, search.symmetry);
  return true;
}

// One wave in all leads. Returns its largest strength in backgrounds, 0 where there is none.
double GroupSearch::find(const Search& search, WaveMember member) {
  if (search.to <= search.from) return 0.0;
  const std::size_t leads = waves_.leads.size();
  std::vector<std::vector<Hump>> all(leads);
  std::vector<double> backgrounds(leads, 1.0), weights(leads, 0.0);
  for (std::size_t l = 0; l < leads; ++l) {
    if (!waves_.leads[l].qrs) continue;
    const Eigen::ArrayXd slope = box_slope(lead(l), search.width, rate_);
    backgrounds[l] = std::max(background(slope.abs(), 0.25), 1e-9 * slope.abs().maxCoeff());
    if (!(backgrounds[l] > 0.0)) continue;
    all[l] = humps(slope, search.lowest + search.width, search.highest - search.width);
  }
  const Eigen::Index place = common_place(search, all, backgrounds);
  if (place < 0) return 0.0;
  double strongest = 0.0;
  for (std::size_t l = 0; l < leads; ++l) {
    if (!outline_near(search, l, all[l], place, member)) continue;
    weights[l] = (waves_.leads[l].*member)->strength / backgrounds[l];
    strongest = std::max(strongest, weights[l]);
  }
  agree(member, weights);
  return strongest;
}

// Draws the boundaries of each lead to the consensus.
void GroupSearch::agree(WaveMember member, const std::vector<double>& weights) {
  std::vector<std::pair<double, double>> onsets, peaks, offsets;
  for (std::size_t l = 0; l < waves_.leads.size(); ++l) {
    const auto& wave = waves_.leads[l].*member;
    if (!wave) continue;
    onsets.emplace_back(wave->onset, weights[l]);
    peaks.emplace_back(wave->peak, weights[l]);
    offsets.emplace_back(wave->offset, weights[l]);
  }
  if (member == &LeadWaves::t && onsets.size() <= kFewLeads) return;
  const double onset = weighted_median(onsets), peak = weighted_median(peaks), offset = weighted_median(offsets);
  const double far = kFarSeconds * rate_;
  for (LeadWaves& waves : waves_.leads) {
    auto& wave = waves.*member;
    if (!wave) continue;
    wave->onset = onset + kOwn * std::clamp(wave->onset - onset, -far, far);
    wave->offset = offset + kOwn * std::clamp(wave->offset - offset, -far, far);
    if (std::abs(wave->peak - peak) > 2.0 * far) wave->peak = peak;
    wave->offset = std::max(wave->offset, wave->onset);
    wave->peak = std::clamp(wave->peak, wave->onset, wave->offset);
  }
}

Consistency GroupSearch::common(WaveMember member, Eigen::Index width, bool of_some_beats) const {
  std::vector<double> onsets, offsets;
  for (const LeadWaves& waves : waves_.leads) {
    if (!(waves.*member)) continue;
    onsets.push_back((waves.*member)->onset);
    offsets.push_back((waves.*member)->offset);
  }
  return consistency(signal_, group_, median(onsets), median(offsets), width, of_some_beats);
}

void GroupSearch::find_t(double rr_after_s) {
  const double root = std::sqrt(rr_after_s);
  const double slowness =
      std::clamp(rr_after_s, 0.4, 1.6) / 0.9;  // 1 at 67 beats a minute: slow hearts' T falls longer.
  const double latest = std::min(0.9 * rr_after_s - 0.05, 0.46 * root + 0.06);
  const auto qrs_end = static_cast<Eigen::Index>(qrs_.offset);
  Search search;
  search.width = samples(kTSlopeSeconds);
  search.from = inside(qrs_end + samples(0.06));
  search.to = inside(group_.center + samples(latest));
  search.lowest = inside(qrs_end + samples(0.01));
  search.highest = inside(std::min(search.to + samples(0.12), group_.center + samples(rr_after_s - 0.08)));
  search.reach_before = samples(0.15);
  search.reach_after = samples(0.12 * slowness);
  search.expected = static_cast<double>(group_.center) + 0.30 * root * rate_;
  search.spread = 0.09 * rate_;
  search.early_share = 0.0;
  search.phases_apart = 0.09 * rate_;
  search.phases_apart_after = 0.13 * rate_;
  search.biphasic_after = kBiphasicAfterT;
  search.symmetry = kSymmetry * slowness;
  if (find(search, &LeadWaves::t) > 0.0) waves_.t_shifts = common(&LeadWaves::t, search.width, false).shifts;
}

void GroupSearch::find_p(double rr_before_s) {
  // After the T wave of the beat before, which ends as that of this one.
  constexpr double kEarliest = 0.48, kAfterT = 0.05;
  std::vector<double> t_ends;
  for (const LeadWaves& waves : waves_.leads) {
    if (waves.t) t_ends.push_back((waves.t->offset - static_cast<double>(group_.center)) / rate_ + kAfterT);
  }
  const double usual_t_end = 0.36 * std::sqrt(rr_before_s);
  const double t_end = t_ends.empty() ? usual_t_end : std::max(usual_t_end, median(t_ends));
  const double earliest = std::min(kEarliest, rr_before_s - t_end);
  const auto qrs_start = static_cast<Eigen::Index>(qrs_.onset);
  Search search;
  search.width = samples(kPSlopeSeconds);
  search.from = inside(group_.center - samples(earliest));
  search.to = inside(qrs_start - samples(0.02));
  search.lowest = std::max(inside(group_.center - samples(kEarliest)), inside(search.from - samples(0.04)));
  search.highest = inside(qrs_start);
  search.reach_before = samples(0.065);
  search.reach_after = samples(0.032);
  search.expected = static_cast<double>(qrs_start) - 0.12 * rate_;
  search.spread = 0.085 * rate_;
  search.early_share = 0.5;  // A PR interval of 300 ms is rare, but a wave there hardly anything else than P.
  search.phases_apart = search.phases_apart_after = 0.04 * rate_;
  search.biphasic_after = kBiphasic;
  search.symmetry = kSymmetry;
  const double strength = find(search, &LeadWaves::p);
  const double least = waves_.leads.size() >= kManyLeads ? kMinStrengthManyLeads : kMinStrength;
  if (group_.beats.size() < kMinBeats || strength < least) return;
  const Consistency same = common(&LeadWaves::p, search.width, true);
  if (same.ratio < kMinRatio || median(same.correlations) < kMinMedianCorrelation) return;
  waves_.p_shifts = same.shifts;
  for (std::size_t i = 0; i < group_.beats.size(); ++i) {
    waves_.p_present[i] = same.correlations[i] > kMinCorrelation;
  }
}

}  // namespace

GroupWaves find_group_waves(const WorkingSignal& signal, const BeatGroup& group, double rr_before_s,
                            double rr_after_s) {
  return GroupSearch(signal, group).run(rr_before_s, rr_after_s);
}

}  // namespace cardiograd::dsp
