#include "dsp/delineation/p_presence.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include "dsp/delineation/consistency.h"
#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Slopes of `leads` in units of the strength of P there, then their RMS (window).
Eigen::ArrayXd activity_of(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& p, const WaveSearch& search,
                           const std::vector<char>& leads) {
  Eigen::ArrayXd energy = Eigen::ArrayXd::Zero(beat.length());
  double of_p = 0.0;
  for (std::size_t l = 0; l < p.leads.size(); ++l) {
    if (leads[l] == 0) continue;
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

// Fills what concerns the average alone.
void add_strengths(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& t, const FoundWaves& p,
                   const WaveSearch& search, const std::vector<char>& leads, PEvidence& evidence) {
  std::vector<double> t_ends;
  for (std::size_t l = 0; l < p.leads.size(); ++l) {
    if (t.leads[l]) t_ends.push_back(t.leads[l]->offset - evidence.rr_s * beat.rate());
    if (!p.leads[l]) continue;
    evidence.of_qrs = std::max(evidence.of_qrs, p.leads[l]->strength / qrs.activity.steepest[l]);
    if (t.leads[l]) {
      evidence.of_t = std::max(evidence.of_t, p.leads[l]->strength / t.leads[l]->strength);
    }
  }
  const Stretch wave = stretch_of(p, search.slope_box);
  const double t_end = t_ends.empty() ? static_cast<double>(search.from) : median(t_ends);
  evidence.after_t_s = (wave.from - t_end) / beat.rate();
  const Eigen::ArrayXd activity = activity_of(beat, qrs, p, search, leads);
  const auto box = static_cast<double>(search.slope_box);
  const auto within = [](double position, double from, double to) { return position >= from && position <= to; };
  std::vector<double> beside;
  for (Eigen::Index at = beat.group().from + search.slope_box; at <= beat.group().to - search.slope_box; ++at) {
    const auto position = static_cast<double>(at);
    if (within(position, qrs.all_leads.onset - box, qrs.all_leads.offset + box)) continue;
    if (!within(position, wave.from, wave.to)) beside.push_back(activity[at]);
  }
  if (!beside.empty()) evidence.beside = lower_quantile(std::move(beside), kWave.background_quantile.p);
}

// How alike P is to other stretches of the average, from the QRS complex of the beat before on, over some leads.
class Likeness {
 public:
  Likeness(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& p, const WaveSearch& search,
           const std::vector<char>& leads, double rr_s)
      : box_(search.slope_box), first_(beat.group().from + box_), last_(beat.group().to - box_) {
    const Stretch wave = stretch_of(p, box_);
    from_ = static_cast<Eigen::Index>(wave.from);
    count_ = static_cast<Eigen::Index>(wave.to) - from_ + 1;
    of_p_ = Eigen::ArrayXd::Zero(count_);
    for (std::size_t l = 0; l < p.leads.size(); ++l) {
      if (leads[l] == 0) continue;
      slopes_.push_back(box_slope(beat.lead(l), box_, beat.rate()) / qrs.activity.steepest[l]);
      of_p_ += slopes_.back().segment(from_, count_).square();
    }
    qrs_from_ = static_cast<Eigen::Index>(std::ceil(qrs.all_leads.onset)) - box_;
    qrs_to_ = static_cast<Eigen::Index>(qrs.all_leads.offset) + box_;
    first_ = std::max(first_, qrs_to_ - beat.samples(rr_s));
  }
  Eigen::Index from() const { return from_; }
  Eigen::Index count() const { return count_; }

  // Correlation of the slopes of P with those from `at` on, times the ratio of the smaller to the larger: up to 1, 0
  // where they have nothing in common. Nothing where less than `least_fraction` of P is there beside QRS and within the
  // average.
  std::optional<double> at(Eigen::Index at, double least_fraction) const {
    double product = 0.0, energy = 0.0, of_p = 0.0, of_all = 0.0;
    for (Eigen::Index i = 0; i < count_; ++i) {
      const Eigen::Index t = at + i;
      of_all += of_p_[i];
      if (t < first_ || t > last_ || (t > qrs_from_ && t < qrs_to_)) continue;
      of_p += of_p_[i];
      for (const Eigen::ArrayXd& slope : slopes_) {
        product += slope[from_ + i] * slope[t];
        energy += slope[t] * slope[t];
      }
    }
    if (!(of_p > 0.0 && of_p >= least_fraction * of_all)) return std::nullopt;
    if (product <= 0.0) return 0.0;
    const double size = product / of_p;  // As a ratio to P.
    return product / std::sqrt(of_p * energy) * std::min(size, 1.0 / size);
  }

 private:
  Eigen::Index box_, first_, last_, from_ = 0, count_ = 0, qrs_from_ = 0, qrs_to_ = 0;
  std::vector<Eigen::ArrayXd> slopes_;
  Eigen::ArrayXd of_p_;  // Energy of all leads, per sample.
};

// How much P is repeated anywhere else in the average, the P wave of the next beat left out.
double recurrence(const AverageBeat& beat, const Likeness& likeness, double rr_s) {
  const Eigen::Index count = likeness.count(), next = likeness.from() + beat.samples(rr_s);
  double most = 0.0;
  for (Eigen::Index at = beat.group().from; at + count <= beat.group().to; ++at) {
    if (std::min(std::abs(at - likeness.from()), std::abs(at - next)) < count) continue;
    most = std::max(most, likeness.at(at, 1.0).value_or(0.0));
  }
  return most;
}

// PEvidence::between.
double between(const AverageBeat& beat, const Likeness& likeness, double rr_s) {
  const Eigen::Index half = beat.samples(0.5 * rr_s), reach = beat.samples(kConsistency.max_shift_s);
  std::optional<double> most;
  for (const Eigen::Index middle : {likeness.from() - half, likeness.from() + half}) {
    if (!likeness.at(middle, kPEvidence.visible_fraction)) continue;
    for (Eigen::Index at = middle - reach; at <= middle + reach; ++at) {
      const std::optional<double> here = likeness.at(at, kPEvidence.visible_fraction);
      if (here) most = std::max(most.value_or(0.0), *here);
    }
  }
  return most.value_or(kPEvidence.unseen_fraction);
}

// The leads that have P and in which the beats have something in common there; all that have it where none is such.
// What noise makes of the others is neither P nor anything beside it.
std::vector<char> telling_leads(const FoundWaves& p, const std::vector<double>& ratios) {
  std::vector<char> with_p(p.leads.size()), telling(p.leads.size());
  for (std::size_t l = 0; l < p.leads.size(); ++l) {
    with_p[l] = p.leads[l].has_value();
    telling[l] = p.leads[l] && l < ratios.size() && ratios[l] >= kP.min_common_ratio;
  }
  return std::count(telling.begin(), telling.end(), 1) > 0 ? telling : with_p;
}

// The ratio of the SDs of box slopes and of second differences over `step` samples in noise that is white up to the
// upper end of the working signal's band.
double slope_of_difference(Eigen::Index box, Eigen::Index step, double rate) {
  constexpr int kPoints = 64;
  double slopes = 0.0, differences = 0.0;
  for (int i = 0; i < kPoints; ++i) {
    const double angle = 2.0 * std::numbers::pi * kWorkingSignal.band_high_hz * (i + 0.5) / kPoints / rate;
    double sum = 0.0;
    for (Eigen::Index j = 1; j <= box; ++j) sum += 2.0 * std::sin(angle * static_cast<double>(j));
    const double slope = sum * rate / static_cast<double>(box * (box + 1));
    const double difference = 2.0 - 2.0 * std::cos(angle * static_cast<double>(step));
    slopes += slope * slope;
    differences += difference * difference;
  }
  return std::sqrt(slopes / differences);
}

constexpr double kCertain = 30.0;  // Log odds.

// Log odds of a neighborhood as its neighbor sees them.
double passed_on(double log_odds) {
  constexpr double kChange = kPEvidence.change_fraction;
  const double odds = std::exp(std::clamp(log_odds, -kCertain, kCertain));
  return std::log((odds * (1.0 - kChange) + kChange) / (odds * kChange + (1.0 - kChange)));
}

}  // namespace

bool too_flat_for_p(const PEvidence& evidence) {
  const bool end_of_t = evidence.after_t_s < kP.after_last_t_s && evidence.of_t < kP.min_t_fraction;
  return end_of_t || evidence.of_qrs < kP.min_qrs_fraction;
}

double p_log_odds(const PEvidence& evidence) {
  const PEvidenceConstants& k = kPEvidence;
  const double away = std::log(evidence.rr_s / k.flutter_rr_s) / k.flutter_spread_ratio;
  const double irregularity =
      std::clamp(evidence.irregularity, k.min_irregularity_fraction, k.max_irregularity_fraction);
  const double own_beat = std::log(std::max(evidence.own_beat, k.least_fraction));
  // Irregular intervals that P follows speak against it less.
  const double followed = std::min(k.own_beat_weight * std::max(0.0, own_beat),
                                   -k.irregularity_weight * std::log(irregularity / k.min_irregularity_fraction));
  return k.intercept_weight + std::log(std::clamp(evidence.ratio, k.least_fraction, k.max_ratio)) +
         std::min(0.0, own_beat) + followed + k.beside_weight * std::log(evidence.beside + k.least_fraction) +
         k.irregularity_weight * std::log(irregularity) + k.flutter_weight * std::exp(-away * away) * evidence.between;
}

std::vector<double> odds_from_neighbors(std::span<const double> log_odds) {
  const std::size_t count = log_odds.size();
  std::vector<double> told(count, 0.0);
  const auto pass = [&](auto index) {
    double message = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      const double own = log_odds[index(i)];
      told[index(i)] += message;
      message = passed_on(message + (std::isfinite(own) ? own : 0.0));
    }
  };
  pass([](std::size_t i) { return i; });
  pass([count](std::size_t i) { return count - 1 - i; });
  return told;
}

PPresence p_presence(const AverageBeat& beat, const FoundQrs& qrs, const FoundWaves& t, const FoundWaves& p,
                     const WaveSearch& search, double rr_before_s, double from_neighbors) {
  PPresence presence;
  presence.present.assign(beat.beats(), 0);
  presence.shifts.assign(beat.beats(), 0.0);
  presence.hidden = p_visibility(beat, qrs, search) < kP.hidden_ratio;
  if (p.strongest == 0.0) return presence;
  PEvidence& evidence = presence.evidence;
  evidence.rr_s = rr_before_s;
  evidence.irregularity = beat.group().irregularity;
  const Stretch stretch = stretch_of(p, search.slope_box);
  if (beat.beats() < kP.min_group_beats) {
    add_strengths(beat, qrs, t, p, search, telling_leads(p, {}), evidence);
    return presence;
  }
  const Consistency same = consistency(beat.signal(), beat.group(), stretch, true);
  const std::vector<char> leads = telling_leads(p, same.lead_ratios);
  add_strengths(beat, qrs, t, p, search, leads, evidence);
  evidence.ratio = same.ratio;
  evidence.correlation = median(same.correlations);
  evidence.own_beat = own_beat_ratio(beat.signal(), beat.group(), stretch);
  const Likeness likeness(beat, qrs, p, search, leads, rr_before_s);
  evidence.between = between(beat, likeness, evidence.rr_s);
  const bool one_of_many =
      evidence.beside * evidence.rr_s > kP.max_beside_s &&
      (evidence.ratio < kP.min_beside_ratio || recurrence(beat, likeness, evidence.rr_s) > kP.max_recurrence_ratio);
  // Noise that can hide P makes beats differ where they have one, too.
  const bool by_chance = !presence.hidden && evidence.ratio < kP.min_common_ratio;
  if (one_of_many || by_chance) return presence;
  presence.log_odds = too_flat_for_p(evidence) ? -kCertain : p_log_odds(evidence);
  if (presence.log_odds + from_neighbors <= kPEvidence.enough_weight) return presence;
  presence.shifts = same.shifts;
  for (std::size_t i = 0; i < beat.beats(); ++i) {
    presence.present[i] = same.correlations[i] > kP.min_beat_fraction * evidence.correlation;
  }
  return presence;
}

double p_visibility(const AverageBeat& beat, const FoundQrs& qrs, const WaveSearch& search) {
  constexpr double kStep = 0.01;             // s: two thirds of the largest difference lie above 20 Hz.
  constexpr double kMedianOfSigma = 0.6745;  // Of the magnitude of Gaussian noise.
  const Eigen::Index step = beat.samples(kStep);
  const double gain = slope_of_difference(search.slope_box, step, beat.rate()) / kMedianOfSigma;
  const Eigen::Index first = beat.group().from + step, count = beat.group().to - step - first + 1;
  if (count < 1) return 0.0;
  double best = 0.0;
  for (std::size_t l = 0; l < beat.leads(); ++l) {
    if (qrs.activity.steepest[l] == 0.0) continue;
    const Eigen::ArrayXd x = beat.lead(l);
    const Eigen::ArrayXd difference =
        (x.segment(first - step, count) - 2.0 * x.segment(first, count) + x.segment(first + step, count)).abs();
    const double noise = gain * median({difference.begin(), difference.end()});
    const double least = kP.least_of_qrs_fraction * qrs.activity.steepest[l];
    best = std::max(best, least / std::max(noise, kRPeak.min_background_fraction * least));
  }
  return best;
}

}  // namespace cardiograd::dsp
