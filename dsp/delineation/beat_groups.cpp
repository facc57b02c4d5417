#include "dsp/delineation/beat_groups.h"

#include <algorithm>
#include <cmath>

#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/resample.h"

namespace cardiograd::dsp {
namespace {

constexpr double kWorkingRate = 500.0;
constexpr double kShapeSeconds = 0.08;  // Either side of the R peak that shapes are compared over.
constexpr double kLargestLag = 0.024;   // That alignment may move a beat.
constexpr double kFadeSeconds = 0.04;
constexpr double kNotOwnBeforeNext = 0.08;   // The QRS complex of the next beat begins that much before its R peak.
constexpr double kNotOwnAfterLast = 0.32;    // The T wave of the last beat goes to that times sqrt(RR / s) after its R.
constexpr double kOwnBefore = 0.16;          // That a beat owns before its R peak however early it comes.
constexpr double kSameShape = 0.90;          // Correlation.
constexpr double kLargestEnergyRatio = 4.0;  // Between beats of one group.

// Windows around R over all leads, each lead without its mean and in units of its own scale, one lead after the other.
Eigen::ArrayXd shape_at(const WorkingSignal& signal, const Eigen::ArrayXd& scales, Eigen::Index center) {
  const auto half = static_cast<Eigen::Index>(std::lround(kShapeSeconds * signal.rate));
  const Eigen::Index length = 2 * half + 1;
  Eigen::ArrayXd shape(length * signal.samples.cols());
  for (Eigen::Index l = 0; l < signal.samples.cols(); ++l) {
    auto part = shape.segment(l * length, length);
    copy_window(signal, l, center - half, part);
    part = (part - part.mean()) * scales[l];
  }
  return shape;
}

struct Group {
  Eigen::ArrayXd sum;
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
  const auto reach = static_cast<Eigen::Index>(std::lround(kLargestLag * signal.rate));
  const double norm = std::sqrt(mean.square().sum());
  const auto correlation = [&](Eigen::Index lag) {
    const Eigen::ArrayXd shape = shape_at(signal, scales, center + lag);
    const double energy = shape.square().sum();
    const double ratio = std::sqrt(energy) / norm;
    if (!(energy > 0.0 && norm > 0.0 && ratio < kLargestEnergyRatio && ratio * kLargestEnergyRatio > 1.0)) return -1.0;
    return (shape * mean).sum() / (std::sqrt(energy) * norm);
  };
  Fit best;
  constexpr Eigen::Index kStep = 3;
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
// kFadeSeconds towards their own waves.
Eigen::ArrayXd fade(Eigen::Index start, Eigen::Index length, double from, double to, double rate) {
  const double ramp = kFadeSeconds * rate;
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
  constexpr double kMin = 1e-3;
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
    span.from = (r_peaks_s[beat] - std::max(kOwnBefore, rr - kNotOwnAfterLast * std::sqrt(rr))) * signal.rate;
  }
  if (beat + 1 < r_peaks_s.size()) span.to = (r_peaks_s[beat + 1] - kNotOwnBeforeNext) * signal.rate;
  return span;
}

// Pacemaker stimuli: steps within 4 ms, in a quarter of the leads at once, that are much larger than the change just
// before and just after, and not small against the lead's range. No wave of the heart has such corners.
std::vector<double> find_stimuli(const Eigen::ArrayXXd& filled, double rate) {
  constexpr double kLowestRate = 400.0, kSteepness = 3.0, kMinShare = 0.1, kDeadSeconds = 0.05;
  std::vector<double> stimuli;
  const Eigen::Index half = std::max<Eigen::Index>(1, static_cast<Eigen::Index>(std::lround(0.002 * rate)));
  const Eigen::Index reach = 5 * half, samples = filled.rows();
  if (rate < kLowestRate || samples <= 2 * reach) return stimuli;
  Eigen::ArrayXi votes = Eigen::ArrayXi::Zero(samples);
  for (Eigen::Index l = 0; l < filled.cols(); ++l) {
    const double* x = filled.col(l).data();
    std::vector<double> sorted(x, x + samples);
    const auto low = sorted.begin() + samples / 200, high = sorted.end() - 1 - samples / 200;
    std::nth_element(sorted.begin(), low, sorted.end());
    const double floor_level = *low;
    std::nth_element(sorted.begin(), high, sorted.end());
    const double least = kMinShare * (*high - floor_level);
    if (!(least > 0.0)) continue;
    for (Eigen::Index t = reach; t + reach < samples; ++t) {
      const double step = std::abs(x[t + half] - x[t - half]);
      if (step < least) continue;
      const double before = std::abs(x[t - half] - x[t - 3 * half]), after = std::abs(x[t + 3 * half] - x[t + half]);
      const double earlier = std::abs(x[t - half] - x[t - reach]);
      if (step > kSteepness * std::max({before, after, earlier})) ++votes[t];
    }
  }
  const int needed = std::max(1, static_cast<int>(filled.cols() / 4));
  for (Eigen::Index t = 0; t < samples; ++t) {
    const double seconds = static_cast<double>(t) / rate;
    if (votes[t] >= needed && (stimuli.empty() || seconds - stimuli.back() > kDeadSeconds)) stimuli.push_back(seconds);
  }
  return stimuli;
}

}  // namespace

WorkingSignal working_signal(const Eigen::ArrayXXd& signal, double rate) {
  WorkingSignal working;
  const int up = std::max(1, static_cast<int>(std::lround(0.9 * kWorkingRate / rate)));
  const int down = std::max(1, static_cast<int>(std::lround(rate / kWorkingRate)));
  working.rate = rate * up / down;
  Eigen::ArrayXXd filled = signal;
  working.usable.assign(static_cast<std::size_t>(signal.cols()), 1);
  for (Eigen::Index l = 0; l < signal.cols(); ++l) {
    const Eigen::Index missing = fill_gaps(filled.col(l));
    const bool flat = !(filled.col(l).maxCoeff() > filled.col(l).minCoeff());
    if (flat || 2 * missing > signal.rows()) working.usable[static_cast<std::size_t>(l)] = 0;
  }
  working.stimuli_s = find_stimuli(filled, rate);
  const Sos band = butterworth_bandpass(2, 0.5, std::min(40.0, 0.45 * rate), rate);
  const Eigen::Index pad = std::min(signal.rows() - 1, static_cast<Eigen::Index>(rate));
  working.samples = resample_poly(sosfiltfilt(band, filled, pad), up, down);
  return working;
}

void copy_window(const WorkingSignal& signal, Eigen::Index lead, Eigen::Index at, Eigen::Ref<Eigen::ArrayXd> window) {
  const Eigen::Index last = signal.samples.rows() - 1;
  const double* column = signal.samples.col(lead).data();
  if (at >= 0 && at + window.size() - 1 <= last) {
    window = Eigen::Map<const Eigen::ArrayXd>(column + at, window.size());
    return;
  }
  for (Eigen::Index i = 0; i < window.size(); ++i) window[i] = column[std::clamp<Eigen::Index>(at + i, 0, last)];
}

std::vector<BeatGroup> group_beats(const WorkingSignal& signal, std::span<const double> r_peaks_s, std::size_t first,
                                   std::size_t last) {
  const Eigen::Index leads = signal.samples.cols();
  Eigen::ArrayXd scales = Eigen::ArrayXd::Zero(leads);
  std::vector<Eigen::Index> start;
  for (std::size_t i = first; i < last; ++i) {
    start.push_back(static_cast<Eigen::Index>(std::lround(r_peaks_s[i] * signal.rate)));
  }
  Eigen::ArrayXd ones = Eigen::ArrayXd::Ones(leads);
  const auto length = shape_at(signal, ones, start.front()).size() / std::max<Eigen::Index>(1, leads);
  for (const Eigen::Index center : start) {
    const Eigen::ArrayXd shape = shape_at(signal, ones, center);
    for (Eigen::Index l = 0; l < leads; ++l) scales[l] += shape.segment(l * length, length).square().mean();
  }
  for (Eigen::Index l = 0; l < leads; ++l) {
    const bool use = signal.usable[static_cast<std::size_t>(l)] != 0 && scales[l] > 0.0;
    scales[l] = use ? 1.0 / std::sqrt(scales[l]) : 0.0;
  }

  std::vector<Group> groups;
  for (std::size_t i = first; i < last; ++i) {
    const Eigen::Index center = start[i - first];
    Group* home = nullptr;
    Fit best;
    for (Group& group : groups) {
      const Fit fit = best_fit(signal, scales, center, group.sum / static_cast<double>(group.beats.size()));
      if (fit.correlation >= kSameShape && fit.correlation > best.correlation) {
        best = fit;
        home = &group;
      }
    }
    if (home == nullptr) {
      groups.push_back({shape_at(signal, scales, center), {i}, {center}});
    } else {
      home->sum += shape_at(signal, scales, best.center);
      home->beats.push_back(i);
      home->centers.push_back(best.center);
    }
  }
  const auto before = static_cast<Eigen::Index>(std::lround(kBeatBefore * signal.rate));
  const auto window = before + static_cast<Eigen::Index>(std::lround(kBeatAfter * signal.rate)) + 1;
  std::vector<BeatGroup> result;
  for (Group& group : groups) {
    std::vector<Span> spans;
    for (const std::size_t beat : group.beats) spans.push_back(own_span(signal, r_peaks_s, beat));
    BeatGroup& done = result.emplace_back();
    done.beats = std::move(group.beats);
    done.centers = std::move(group.centers);
    average(signal, spans, before, window, done);
  }
  return result;
}

}  // namespace cardiograd::dsp
