#include "dsp/features/beat_features.h"

#include <algorithm>
#include <cmath>

#include "dsp/features/entropy.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// One lead of the prepared signal, read at any time by linear interpolation.
class LeadSignal {
 public:
  LeadSignal(const WorkingSignal& signal, std::size_t lead)
      : samples_(signal.samples.col(static_cast<Eigen::Index>(lead)).data()),
        last_(signal.samples.rows() - 1),
        rate_(signal.rate) {}

  double at(double seconds) const {
    const double position = std::clamp(seconds * rate_, 0.0, static_cast<double>(last_));
    const auto below = std::min(static_cast<Eigen::Index>(position), std::max<Eigen::Index>(0, last_ - 1));
    const double fraction = position - static_cast<double>(below);
    return samples_[below] + fraction * (samples_[std::min(below + 1, last_)] - samples_[below]);
  }
  // Values from `from_s` on, `step_s` apart.
  std::vector<double> sampled(double from_s, double step_s, std::size_t count) const {
    std::vector<double> values(count);
    for (std::size_t i = 0; i < count; ++i) values[i] = at(from_s + static_cast<double>(i) * step_s);
    return values;
  }
  std::vector<double> sampled_to(double from_s, double to_s, double rate) const {
    return sampled(from_s, 1.0 / rate, static_cast<std::size_t>(std::max(0.0, std::floor((to_s - from_s) * rate))) + 1);
  }
  double rate() const { return rate_; }

 private:
  const double* samples_;
  Eigen::Index last_;
  double rate_;
};

void add_qrs(const LeadSignal& lead, const Wave& qrs, LeadFeatures& features) {
  constexpr double kRate = 500.0;
  const std::vector<double> x = lead.sampled_to(qrs.onset_s, qrs.offset_s, kRate);
  const auto [low, high] = std::minmax_element(x.begin(), x.end());
  double area = 0.0;
  for (std::size_t i = 1; i < x.size(); ++i) {
    area += 0.5 * (std::abs(x[i] - x.front()) + std::abs(x[i - 1] - x.front())) * 1000.0 / kRate;
  }
  double slope = 0.0;
  for (std::size_t i = 2; i + 2 < x.size(); ++i) {
    slope = std::max(slope, std::abs(x[i - 2] - 8.0 * x[i - 1] + 8.0 * x[i + 1] - x[i + 2]) * kRate / 12.0);
  }
  features.qrs_amplitude.push_back(*high - *low);
  features.qrs_area.push_back(area);
  features.qrs_slope.push_back(slope);
}

void add_t(const LeadSignal& lead, const BeatWaves& beat, LeadFeatures& features) {
  const double level = lead.at(beat.qrs.onset_s);
  double amplitude = 0.0;
  for (const double value : lead.sampled_to(beat.t.onset_s, beat.t.offset_s, 500.0)) {
    if (std::abs(value - level) > std::abs(amplitude)) amplitude = value - level;
  }
  features.t_amplitude.push_back(amplitude);
  const double entropy = multiscale_permutation_entropy(lead.sampled_to(beat.t.onset_s, beat.t.offset_s, 250.0));
  if (std::isfinite(entropy)) features.t_mpe.push_back(entropy);
}

// A P wave with 20 ms more on either side as 64 points of mean 0 and length 1; empty if flat.
std::vector<double> normalized_p(const LeadSignal& lead, const Wave& p) {
  constexpr double kMargin = 0.02;
  constexpr std::size_t kPoints = 64;
  const double from = p.onset_s - kMargin, to = p.offset_s + kMargin;
  std::vector<double> x = lead.sampled(from, (to - from) / static_cast<double>(kPoints - 1), kPoints);
  const double level = mean(x);
  double energy = 0.0;
  for (double& value : x) {
    value -= level;
    energy += value * value;
  }
  if (!(energy > 0.0)) return {};
  for (double& value : x) value /= std::sqrt(energy);
  return x;
}

void add_p(const LeadSignal& lead, const Wave& p, LeadFeatures& features) {
  constexpr double kMargin = 0.04;
  const std::vector<double> x = lead.sampled_to(p.onset_s - kMargin, p.offset_s + kMargin, 500.0);
  const double sample = sample_entropy(x), approximate = approximate_entropy(x);
  if (std::isfinite(sample)) features.p_sample_entropy.push_back(sample);
  if (std::isfinite(approximate)) features.p_approximate_entropy.push_back(approximate);
}

std::vector<double> pair_correlations(const std::vector<std::vector<double>>& waves) {
  std::vector<double> correlations;
  for (std::size_t i = 0; i < waves.size(); ++i) {
    for (std::size_t j = i + 1; j < waves.size(); ++j) {
      double r = 0.0;
      for (std::size_t k = 0; k < waves[i].size(); ++k) r += waves[i][k] * waves[j][k];
      correlations.push_back(r);
    }
  }
  return correlations;
}

// Beats fit for alternans, as indices, by the interval to the beat before.
std::vector<std::size_t> regular_beats_of(const Delineation& waves) {
  constexpr double kLargestDeviation = 0.15;
  std::vector<double> intervals;
  for (std::size_t b = 1; b < waves.global.size(); ++b) {
    intervals.push_back(waves.global[b].qrs.peak_s - waves.global[b - 1].qrs.peak_s);
  }
  const double usual = median(intervals);
  std::vector<std::size_t> beats;
  for (std::size_t b = 1; b < waves.global.size(); ++b) {
    if (std::abs(intervals[b - 1] - usual) <= kLargestDeviation * usual && waves.global[b].t.present()) {
      beats.push_back(b);
    }
  }
  return beats;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = mean(a), mean_b = mean(b);
  double ab = 0.0, aa = 0.0, bb = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return ab / std::sqrt(aa * bb);
}

// The median of the beats at each point.
std::vector<double> median_beat(const std::vector<const std::vector<double>*>& beats) {
  const auto points = static_cast<Eigen::Index>(beats.front()->size()), count = static_cast<Eigen::Index>(beats.size());
  std::vector<double> result(beats.front()->size());
  constexpr Eigen::Index kMaxSorted = 24;
  if (count > kMaxSorted) {
    std::vector<double> values(beats.size());
    for (std::size_t k = 0; k < result.size(); ++k) {
      for (std::size_t i = 0; i < beats.size(); ++i) values[i] = (*beats[i])[k];
      result[k] = median_in_place(values);
    }
    return result;
  }
  // Few are sorted at all points at once, by exchanges of neighbors: no branches.
  Eigen::ArrayXXd sorted(points, count);
  Eigen::ArrayXd smaller(points);
  for (Eigen::Index i = 0; i < count; ++i) {
    sorted.col(i) = Eigen::Map<const Eigen::ArrayXd>(beats[static_cast<std::size_t>(i)]->data(), points);
  }
  for (Eigen::Index last = count - 1; last > 0; --last) {
    for (Eigen::Index i = 0; i < last; ++i) {
      smaller = sorted.col(i).min(sorted.col(i + 1));
      sorted.col(i + 1) = sorted.col(i).max(sorted.col(i + 1));
      sorted.col(i) = smaller;
    }
  }
  Eigen::Map<Eigen::ArrayXd> middle(result.data(), points);
  middle = count % 2 == 1 ? Eigen::ArrayXd(sorted.col(count / 2))
                          : Eigen::ArrayXd(0.5 * (sorted.col(count / 2) + sorted.col(count / 2 - 1)));
  return result;
}

// Alternans of one lead; NaN where too few beats fit.
double lead_alternans(const LeadSignal& lead, const Delineation& waves, const std::vector<std::size_t>& beats,
                      std::size_t lead_index, double t_end_s) {
  constexpr double kRate = 250.0, kStart = 0.1, kBefore = 0.06, kSameShape = 0.9;
  constexpr std::size_t kMinEach = 4;
  // Once: the length that each beat has by itself differs by rounding.
  const auto points = static_cast<std::size_t>(std::max(0.0, std::floor((kBefore + t_end_s) * kRate))) + 1;
  std::vector<std::vector<double>> whole;
  std::vector<std::size_t> numbers;
  for (const std::size_t b : beats) {
    const Wave& qrs = waves.leads[lead_index][b].qrs;
    if (!qrs.present()) continue;
    const double r = waves.global[b].qrs.peak_s, level = lead.at(qrs.onset_s);
    whole.push_back(lead.sampled(r - kBefore, 1.0 / kRate, points));
    for (double& value : whole.back()) value -= level;
    numbers.push_back(b);
  }
  if (whole.size() < 2 * kMinEach) return kMissing;
  std::vector<const std::vector<double>*> all, odd, even;
  for (const auto& beat : whole) all.push_back(&beat);
  const std::vector<double> typical = median_beat(all);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (correlation(whole[i], typical) >= kSameShape) (numbers[i] % 2 == 1 ? odd : even).push_back(&whole[i]);
  }
  if (odd.size() < kMinEach || even.size() < kMinEach) return kMissing;
  const std::vector<double> a = median_beat(odd), b = median_beat(even);
  double largest = 0.0;
  for (auto k = static_cast<std::size_t>((kBefore + kStart) * kRate); k < a.size(); ++k) {
    largest = std::max(largest, std::abs(a[k] - b[k]));
  }
  return largest;
}

}  // namespace

LeadFeatures lead_features(const WorkingSignal& signal, const Delineation& waves, std::size_t lead) {
  const LeadSignal x(signal, lead);
  LeadFeatures features;
  std::vector<std::vector<double>> p_waves;
  for (const BeatWaves& beat : waves.leads[lead]) {
    if (beat.qrs.present()) add_qrs(x, beat.qrs, features);
    if (beat.qrs.present() && beat.t.present()) add_t(x, beat, features);
    if (!beat.p.present()) continue;
    add_p(x, beat.p, features);
    std::vector<double> p = normalized_p(x, beat.p);
    constexpr std::size_t kMaxWaves = 100;  // Pairs grow with the square.
    if (!p.empty() && p_waves.size() < kMaxWaves) p_waves.push_back(std::move(p));
  }
  features.p_correlations = pair_correlations(p_waves);
  return features;
}

std::vector<double> qrs_durations_ms(const Delineation& waves) {
  std::vector<double> durations;
  for (const BeatWaves& beat : waves.global) {
    const double duration = 1000.0 * (beat.qrs.offset_s - beat.qrs.onset_s);
    if (std::isfinite(duration)) durations.push_back(duration);
  }
  return durations;
}

std::vector<double> qt_intervals_ms(const Delineation& waves) {
  constexpr double kShortest = 200.0, kLongest = 700.0;
  std::vector<double> intervals;
  for (const BeatWaves& beat : waves.global) {
    const double qt = 1000.0 * (beat.t.offset_s - beat.qrs.onset_s);
    if (qt >= kShortest && qt <= kLongest) intervals.push_back(qt);
  }
  return intervals;
}

bool p_is_hidden(const Delineation& waves) {
  const auto with_p = [](const BeatWaves& beat) { return beat.p.present(); };
  const auto hidden = std::count(waves.p_hidden.begin(), waves.p_hidden.end(), 1);
  return hidden > 0 && 2 * hidden >= static_cast<std::ptrdiff_t>(waves.global.size()) &&
         std::none_of(waves.global.begin(), waves.global.end(), with_p);
}

const char* no_p_reason(const Delineation& waves) {
  return p_is_hidden(waves) ? "too noisy to say whether there is a P wave" : "no P wave";
}

std::optional<std::size_t> measuring_lead(const WorkingSignal& signal, const Delineation& waves,
                                          std::optional<std::size_t> preferred) {
  const auto median_amplitude = [&](std::size_t l) {
    const LeadSignal x(signal, l);
    LeadFeatures features;
    for (const BeatWaves& beat : waves.leads[l]) {
      if (beat.qrs.present()) add_qrs(x, beat.qrs, features);
    }
    return features.qrs_amplitude.empty() ? 0.0 : median(features.qrs_amplitude);
  };
  if (preferred && median_amplitude(*preferred) > 0.0) return preferred;
  std::optional<std::size_t> best;
  double largest = 0.0;
  for (std::size_t l = 0; l < waves.leads.size(); ++l) {
    const double amplitude = median_amplitude(l);
    if (amplitude > largest) {
      largest = amplitude;
      best = l;
    }
  }
  return best;
}

double t_alternans(const WorkingSignal& signal, const Delineation& waves, std::span<const std::size_t> leads) {
  const std::vector<std::size_t> beats = regular_beats_of(waves);
  std::vector<double> ends, values;
  for (const std::size_t b : beats) ends.push_back(waves.global[b].t.offset_s - waves.global[b].qrs.peak_s);
  if (ends.empty()) return kMissing;
  const double t_end_s = median(ends);
  for (const std::size_t l : leads) {
    const double value = lead_alternans(LeadSignal(signal, l), waves, beats, l, t_end_s);
    if (std::isfinite(value)) values.push_back(value);
  }
  return median(values);
}

}  // namespace cardiograd::dsp
