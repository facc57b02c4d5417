#include "dsp/delineation/beat_groups.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Windows around R over all leads, each lead without its mean and in units of its own scale, one lead after the other.
Eigen::ArrayXd shape_at(const WorkingSignal& signal, const Eigen::ArrayXd& scales, Eigen::Index center) {
  const auto half = static_cast<Eigen::Index>(std::lround(kBeatGroup.shape_s * signal.rate));
  const Eigen::Index length = 2 * half + 1;
  Eigen::ArrayXd shape(length * signal.samples.cols());
  for (Eigen::Index l = 0; l < signal.samples.cols(); ++l) {
    auto part = shape.segment(l * length, length);
    copy_window(signal, l, center - half, part);
    part = (part - part.mean()) * scales[l];
  }
  return shape;
}

// A group that beats are still added to.
struct OpenGroup {
  bool premature;
  Eigen::ArrayXd sum;  // Of the beats' shapes.
  std::vector<std::size_t> beats;
  std::vector<Eigen::Index> centers;
};

struct Fit {
  double correlation = -1.0;
  Eigen::Index center = 0;
};

// The lag at which the beat correlates best with the group's mean.
Fit best_fit(const WorkingSignal& signal, const Eigen::ArrayXd& scales, Eigen::Index center,
             const Eigen::ArrayXd& mean) {
  const auto reach = static_cast<Eigen::Index>(std::lround(kBeatGroup.max_lag_s * signal.rate));
  const double norm = std::sqrt(mean.square().sum());
  const auto correlation = [&](Eigen::Index lag) {
    const Eigen::ArrayXd shape = shape_at(signal, scales, center + lag);
    const double energy = shape.square().sum();
    const double ratio = std::sqrt(energy) / norm;
    if (!(energy > 0.0 && norm > 0.0 && ratio < kBeatGroup.max_energy_ratio &&
          ratio * kBeatGroup.max_energy_ratio > 1.0))
      return -1.0;
    return (shape * mean).sum() / (std::sqrt(energy) * norm);
  };
  Fit best;
  constexpr Eigen::Index kStep = kBeatGroup.lag_step_samples;
  for (Eigen::Index lag = -reach; lag <= reach; lag += kStep) {
    const double r = correlation(lag);
    if (r > best.correlation) best = {r, center + lag};
  }
  const Eigen::Index coarse = best.center - center;
  for (Eigen::Index lag = coarse - kStep + 1; lag < coarse + kStep; ++lag) {
    const double r = correlation(lag);
    if (r > best.correlation) best = {r, center + lag};
  }
  return best;
}

// Weight of the samples of a window that starts at `start`: 1 between the neighboring beats, falling to 0 over
// kBeatGroup.fade_s towards their own waves.
Eigen::ArrayXd fade(Eigen::Index start, Eigen::Index length, double from, double to, double rate) {
  const double ramp = kBeatGroup.fade_s * rate;
  Eigen::ArrayXd weight(length);
  for (Eigen::Index t = 0; t < length; ++t) {
    const auto at = static_cast<double>(start + t);
    weight[t] = std::clamp(std::min(at - from, to - at) / ramp, 0.0, 1.0);
  }
  return weight;
}

struct Span {
  double from, to;  // Working samples that belong to a beat.
};

void average(const WorkingSignal& signal, const std::vector<Span>& spans, Eigen::Index before, Eigen::Index length,
             BeatGroup& group) {
  const std::vector<Eigen::Index>& centers = group.centers;
  Eigen::ArrayXXd sum = Eigen::ArrayXXd::Zero(length, signal.samples.cols());
  Eigen::ArrayXd weights = Eigen::ArrayXd::Zero(length);
  const Eigen::Index samples = signal.samples.rows();
  for (std::size_t i = 0; i < centers.size(); ++i) {
    const Eigen::Index start = centers[i] - before;
    const Eigen::Index from = std::max<Eigen::Index>(0, -start);
    const Eigen::Index to = std::min(length, samples - start);
    if (to <= from) continue;
    const Eigen::ArrayXd weight = fade(start + from, to - from, spans[i].from, spans[i].to, signal.rate);
    sum.middleRows(from, to - from) += signal.samples.middleRows(start + from, to - from).colwise() * weight;
    weights.segment(from, to - from) += weight;
  }
  // Where no beat has samples of its own the average goes on level.
  constexpr double kMin = kBeatGroup.min_weight_fraction;
  Eigen::Index first = before, last = before;
  while (first > 0 && weights[first - 1] > kMin) --first;
  while (last + 1 < length && weights[last + 1] > kMin) ++last;
  sum.colwise() /= weights.max(kMin);
  for (Eigen::Index t = 0; t < first; ++t) sum.row(t) = sum.row(first);
  for (Eigen::Index t = last + 1; t < length; ++t) sum.row(t) = sum.row(last);
  group.average = std::move(sum);
  group.center = before;
  group.from = first;
  group.to = last;
}

// From the T wave of the beat before to the QRS complex of the beat after.
Span own_span(const WorkingSignal& signal, std::span<const double> r_peaks_s, std::size_t beat) {
  Span span{-1e9, 1e9};
  if (beat > 0) {
    const double rr = r_peaks_s[beat] - r_peaks_s[beat - 1];
    span.from = (r_peaks_s[beat] - std::max(kBeatGroup.min_own_s, rr - kBeatGroup.last_t_bazett_s * std::sqrt(rr))) *
                signal.rate;
  }
  if (beat + 1 < r_peaks_s.size()) span.to = (r_peaks_s[beat + 1] - kBeatGroup.next_qrs_s) * signal.rate;
  return span;
}

// 1 / RMS of each lead around the R peaks, 0 for leads that are not used.
Eigen::ArrayXd shape_scales(const WorkingSignal& signal, const std::vector<Eigen::Index>& centers) {
  const Eigen::Index leads = signal.samples.cols();
  const Eigen::ArrayXd ones = Eigen::ArrayXd::Ones(leads);
  Eigen::ArrayXd scales = Eigen::ArrayXd::Zero(leads);
  for (const Eigen::Index center : centers) {
    const Eigen::ArrayXd shape = shape_at(signal, ones, center);
    const Eigen::Index length = shape.size() / std::max<Eigen::Index>(1, leads);
    for (Eigen::Index l = 0; l < leads; ++l) scales[l] += shape.segment(l * length, length).square().mean();
  }
  scales /= static_cast<double>(centers.size());
  for (Eigen::Index l = 0; l < leads; ++l) {
    const bool use = signal.usable[static_cast<std::size_t>(l)] != 0 && scales[l] > 0.0;
    scales[l] = use ? 1.0 / std::sqrt(scales[l]) : 0.0;
  }
  return scales;
}

// 1 less what more a lead has of its energy between QRS complexes, as a fraction of that around R, than the clearest
// lead: near 0 where there is only noise. Between the first and the last of `centers`, so a run of broad beats has 1.
Eigen::ArrayXd clear_parts(const WorkingSignal& signal, const std::vector<Eigen::Index>& centers,
                           const Eigen::ArrayXd& scales) {
  const auto step = static_cast<Eigen::Index>(std::lround(kBeatGroup.shape_s * signal.rate));
  std::vector<std::vector<double>> energies(static_cast<std::size_t>(scales.size()));
  for (Eigen::Index at = centers.front(); at <= centers.back(); at += step) {
    const Eigen::ArrayXd shape = shape_at(signal, scales, at);
    const Eigen::Index length = shape.size() / std::max<Eigen::Index>(1, scales.size());
    for (Eigen::Index l = 0; l < scales.size(); ++l) {
      energies[static_cast<std::size_t>(l)].push_back(shape.segment(l * length, length).square().mean());
    }
  }
  Eigen::ArrayXd rests(scales.size());
  for (Eigen::Index l = 0; l < scales.size(); ++l) {
    rests[l] = lower_quantile(std::move(energies[static_cast<std::size_t>(l)]), kBeatGroup.rest_quantile);
  }
  const double clearest = (scales > 0.0).select(rests, std::numeric_limits<double>::infinity()).minCoeff();
  return (1.0 - (rests - clearest)).max(0.0).min(1.0);
}

// Adds the beat to the group that it fits best, or opens one.
void join(const WorkingSignal& signal, const Eigen::ArrayXd& scales, std::size_t beat, Eigen::Index center,
          bool premature, std::vector<OpenGroup>& groups) {
  OpenGroup* home = nullptr;
  Fit best;
  for (OpenGroup& group : groups) {
    if (group.premature != premature) continue;
    const Fit fit = best_fit(signal, scales, center, group.sum / static_cast<double>(group.beats.size()));
    if (fit.correlation >= kBeatGroup.same_shape_correlation && fit.correlation > best.correlation) {
      best = fit;
      home = &group;
    }
  }
  if (home == nullptr) {
    groups.push_back({premature, shape_at(signal, scales, center), {beat}, {center}});
  } else {
    home->sum += shape_at(signal, scales, best.center);
    home->beats.push_back(beat);
    home->centers.push_back(best.center);
  }
}

// The interval before a beat; NaN for the record's first.
double rr_before(std::span<const double> r_peaks_s, std::size_t beat) {
  return beat > 0 ? r_peaks_s[beat] - r_peaks_s[beat - 1] : kMissing;
}

}  // namespace

double rr_irregularity(std::span<const double> intervals_s) {
  constexpr std::size_t kTurns = 3;
  if (intervals_s.size() <= kTurns) return 0.0;
  const double usual = median({intervals_s.begin(), intervals_s.end()});
  std::vector<double> from_usual;
  for (const double interval : intervals_s) from_usual.push_back(std::abs(interval - usual));
  double least = median(std::move(from_usual)) / usual;
  for (std::size_t apart = 1; apart <= kTurns; ++apart) {
    std::vector<double> changes;
    for (std::size_t i = apart; i < intervals_s.size(); ++i) {
      changes.push_back(std::abs(intervals_s[i] - intervals_s[i - apart]));
    }
    least = std::min(least, median(std::move(changes)) / usual);
  }
  return least;
}

double shape_correlation(const WorkingSignal& signal, Eigen::Index first, Eigen::Index second) {
  const Eigen::ArrayXd scales = shape_scales(signal, {first, second});
  return best_fit(signal, scales, second, shape_at(signal, scales, first)).correlation;
}

std::vector<BeatGroup> group_beats(const WorkingSignal& signal, std::span<const double> r_peaks_s, std::size_t first,
                                   std::size_t last) {
  std::vector<Eigen::Index> centers;
  for (std::size_t i = first; i < last; ++i) {
    centers.push_back(static_cast<Eigen::Index>(std::lround(r_peaks_s[i] * signal.rate)));
  }
  Eigen::ArrayXd scales = shape_scales(signal, centers);
  scales *= clear_parts(signal, centers, scales);
  std::vector<OpenGroup> groups;
  std::vector<double> intervals;
  for (std::size_t i = std::max<std::size_t>(first, 1); i < last; ++i) intervals.push_back(rr_before(r_peaks_s, i));
  const double irregularity = rr_irregularity(intervals);
  const double usual = lower_quantile(std::move(intervals), kBeatGroup.usual_rr_quantile);
  for (std::size_t i = first; i < last; ++i) {
    const bool premature = rr_before(r_peaks_s, i) < kBeatGroup.premature_ratio * usual;
    join(signal, scales, i, centers[i - first], premature, groups);
  }
  const auto before = static_cast<Eigen::Index>(std::lround(kBeatGroup.before_s * signal.rate));
  const auto window = before + static_cast<Eigen::Index>(std::lround(kBeatGroup.after_s * signal.rate)) + 1;
  std::vector<BeatGroup> result;
  for (OpenGroup& group : groups) {
    std::vector<Span> spans;
    for (const std::size_t beat : group.beats) spans.push_back(own_span(signal, r_peaks_s, beat));
    BeatGroup& done = result.emplace_back();
    done.beats = std::move(group.beats);
    for (const std::size_t beat : done.beats) {
      done.rr_before_s.push_back(rr_before(r_peaks_s, beat));
    }
    done.centers = std::move(group.centers);
    done.premature = group.premature;
    done.irregularity = irregularity;
    average(signal, spans, before, window, done);
  }
  return result;
}

}  // namespace cardiograd::dsp
