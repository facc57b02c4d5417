#include "dsp/delineation/r_peaks.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

constexpr double kLowHz = 6.0;              // Below: P and T waves, wander. Ectopic beats still have energy above.
constexpr double kHighHz = 24.0;            // Above: muscle noise.
constexpr double kSmoothingSeconds = 0.10;  // About the length of a QRS complex.
constexpr double kBlockSeconds = 2.0;       // At 30 beats per minute a block still holds a beat.
constexpr Eigen::Index kBlocksAround = 4;   // Levels are medians over 4 blocks on either side.
constexpr double kTrustedRatio = 12.0;      // QRS level over background from which on a lead gains no more weight.
// Level of the maxima over background that white noise seldom reaches (5 % of 10 s of one lead have 2.4).
constexpr double kMinContrast = 2.5;
constexpr double kMinContrastShort = 2.9;
constexpr double kShortSeconds = 5.0;
constexpr double kLargestDeflection = 2.0;     // In QRS levels: a spike in one lead counts no more.
constexpr double kNeighborhoodSeconds = 10.0;  // Over which noise and rhythm are taken.
constexpr double kSeparationSeconds = 0.20;    // Between candidates.

// A level per block, read at any sample by linear interpolation between block centers.
struct Levels {
  Eigen::ArrayXd value;
  Eigen::Index block = 1;

  double at(Eigen::Index sample) const {
    const double position = static_cast<double>(sample) / static_cast<double>(block) - 0.5;
    const auto below = static_cast<Eigen::Index>(std::floor(position));
    const Eigen::Index last = value.size() - 1;
    const double left = value[std::clamp<Eigen::Index>(below, 0, last)];
    const double right = value[std::clamp<Eigen::Index>(below + 1, 0, last)];
    return left + (right - left) * (position - static_cast<double>(below));
  }
};

Eigen::Index block_count(Eigen::Index samples, Eigen::Index block) {
  return std::max<Eigen::Index>(1, samples / block);
}

// `statistic` of each block, then the running median over blocks.
template <class Statistic>
Levels levels(const Eigen::ArrayXd& signal, Eigen::Index block, Statistic statistic) {
  const Eigen::Index blocks = block_count(signal.size(), block);
  std::vector<double> raw(static_cast<std::size_t>(blocks));
  std::vector<double> buffer;
  for (Eigen::Index b = 0; b < blocks; ++b) {
    const Eigen::Index end = b + 1 == blocks ? signal.size() : (b + 1) * block;
    buffer.assign(signal.data() + b * block, signal.data() + end);
    raw[static_cast<std::size_t>(b)] = statistic(buffer);
  }
  Levels result{Eigen::ArrayXd(blocks), block};
  for (Eigen::Index b = 0; b < blocks; ++b) {
    const Eigen::Index from = std::max<Eigen::Index>(0, b - kBlocksAround);
    const Eigen::Index to = std::min(blocks, b + kBlocksAround + 1);
    buffer.assign(raw.begin() + from, raw.begin() + to);
    result.value[b] = median_in_place(buffer);
  }
  return result;
}

double largest(std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

// Centerd moving mean over `width` (odd) samples; at the ends over what there is.
Eigen::ArrayXd moving_mean(const Eigen::ArrayXd& signal, Eigen::Index width) {
  const Eigen::Index count = signal.size();
  const Eigen::Index half = width / 2;
  Eigen::ArrayXd mean(count);
  double sum = signal.head(std::min(half, count)).sum();
  Eigen::Index terms = std::min(half, count);
  for (Eigen::Index t = 0; t < count; ++t) {
    if (t + half < count) {
      sum += signal[t + half];
      ++terms;
    }
    if (t - half - 1 >= 0) {
      sum -= signal[t - half - 1];
      --terms;
    }
    mean[t] = std::max(0.0, sum) / static_cast<double>(terms);
  }
  return mean;
}

void add_lead(const Eigen::ArrayXd& band, Eigen::Index width, Eigen::Index block, Eigen::ArrayXd& sum,
              Eigen::ArrayXd& weights) {
  const Eigen::ArrayXd envelope = moving_mean(moving_mean(band.square(), width), width).sqrt();
  Levels high = levels(envelope, block, largest);
  const Levels background = levels(envelope, block, median);
  std::vector<double> all(high.value.begin(), high.value.end());
  const double overall = median(all);
  if (!(overall > 0.0)) return;                 // Flat.
  high.value = high.value.max(0.25 * overall);  // Pauses and lost contacts do not make noise large.
  for (Eigen::Index t = 0; t < band.size(); ++t) {
    const double level = high.at(t);
    const double ratio = std::min(level / std::max(background.at(t), 1e-9 * level), kTrustedRatio);
    const double weight = ratio * ratio;
    sum[t] += weight * std::min(envelope[t] / level, kLargestDeflection);
    weights[t] += weight;
  }
}

// Extended at both ends by its mirror image: no step at the ends, whatever the first and last sample are.
Eigen::ArrayXXd mirrored(const Eigen::ArrayXXd& signal, Eigen::Index margin) {
  Eigen::ArrayXXd extended(signal.rows() + 2 * margin, signal.cols());
  extended.topRows(margin) = signal.middleRows(1, margin).colwise().reverse();
  extended.middleRows(margin, signal.rows()) = signal;
  extended.bottomRows(margin) = signal.middleRows(signal.rows() - 1 - margin, margin).colwise().reverse();
  return extended;
}

// The weighted mean of the leads' envelopes: about 1 at QRS complexes, 0 where all leads are flat.
Eigen::ArrayXd combined_envelope(const Eigen::ArrayXXd& signal, double rate) {
  const Eigen::Index samples = signal.rows();
  const Sos band_pass = butterworth_bandpass(2, kLowHz, std::min(kHighHz, 0.45 * rate), rate);
  const auto width = 2 * static_cast<Eigen::Index>(std::lround(0.25 * kSmoothingSeconds * rate)) + 1;
  const auto block = std::min(samples, static_cast<Eigen::Index>(std::lround(kBlockSeconds * rate)));
  Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(samples);
  Eigen::ArrayXd weights = Eigen::ArrayXd::Zero(samples);
  const auto margin = std::min(samples - 1, static_cast<Eigen::Index>(0.5 * rate));
  constexpr Eigen::Index kLeadsAtOnce = 4;  // Bounds the memory for long recordings.
  for (Eigen::Index lead = 0; lead < signal.cols(); lead += kLeadsAtOnce) {
    Eigen::ArrayXXd part = signal.middleCols(lead, std::min(kLeadsAtOnce, signal.cols() - lead));
    for (Eigen::Index l = 0; l < part.cols(); ++l) fill_gaps(part.col(l));
    part = sosfiltfilt(band_pass, mirrored(part, margin), 0).middleRows(margin, samples).eval();
    for (Eigen::Index l = 0; l < part.cols(); ++l) add_lead(part.col(l), width, block, sum, weights);
  }
  return (weights > 0.0).select(sum / weights, 0.0);
}

struct Candidate {
  Eigen::Index at;
  double height;
};

// Local maxima, the largest first where two are closer than `separation`.
std::vector<Candidate> find_candidates(const Eigen::ArrayXd& envelope, Eigen::Index separation) {
  std::vector<Candidate> maxima;
  for (Eigen::Index t = 0; t < envelope.size(); ++t) {
    const double left = t > 0 ? envelope[t - 1] : -1.0;
    const double right = t + 1 < envelope.size() ? envelope[t + 1] : -1.0;
    if (envelope[t] > left && envelope[t] >= right && envelope[t] > 0.0) maxima.push_back({t, envelope[t]});
  }
  std::vector<Candidate> kept;
  for (const Candidate& next : maxima) {
    while (!kept.empty() && next.at - kept.back().at < separation && next.height > kept.back().height) kept.pop_back();
    if (kept.empty() || next.at - kept.back().at >= separation) kept.push_back(next);
  }
  return kept;
}

// Median of `values[j]`, weighed equally, over the candidates j within kNeighborhoodSeconds of each candidate for
// which `use[j]` holds; `fallback` where there is none.
std::vector<double> local_median(const std::vector<Candidate>& candidates, double reach,
                                 const std::vector<double>& values, const std::vector<char>& use, double fallback) {
  std::vector<double> medians(candidates.size());
  std::vector<double> buffer;
  std::size_t from = 0, to = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    while (static_cast<double>(candidates[i].at - candidates[from].at) > reach) ++from;
    while (to < candidates.size() && static_cast<double>(candidates[to].at - candidates[i].at) <= reach) ++to;
    buffer.clear();
    for (std::size_t j = from; j < to; ++j) {
      if (use[j] != 0) buffer.push_back(values[j]);
    }
    medians[i] = buffer.empty() ? fallback : median_in_place(buffer);
  }
  return medians;
}

// How much an interval between beats counts against them, in units of the logarithm of height over threshold. `usual`
// is the local median interval. Free between 0.7 and 1.5 of the usual: rhythms are irregular; but a T wave or a spike
// makes two short intervals, and a beat left out makes one long interval.
double interval_penalty(double seconds, double usual) {
  const double ratio = seconds / usual;
  double penalty = 0.0;
  if (ratio < 0.7) penalty += 1.6 * std::log(0.7 / ratio);
  if (ratio > 1.5) penalty += 1.0 * std::log(ratio / 1.5);
  if (seconds < 0.36) penalty += 2.0 * std::log(0.36 / seconds);
  return penalty;
}

// The set of candidates with the largest sum of log(height / threshold) less the penalties of its intervals, by dynamic
// programming over the last candidate taken.
std::vector<char> best_path(const std::vector<Candidate>& candidates, const std::vector<double>& score,
                            const std::vector<double>& usual, double rate) {
  constexpr double kReachSeconds = 6.0;  // Longer pauses cost nothing more.
  const std::size_t count = candidates.size();
  std::vector<double> best(count);
  std::vector<std::ptrdiff_t> previous(count, -1);
  double best_before = 0.0;  // Best sum that ends more than kReachSeconds ago.
  std::ptrdiff_t best_before_at = -1;
  std::size_t from = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto seconds = [&](std::size_t j) { return static_cast<double>(candidates[i].at - candidates[j].at) / rate; };
    for (; seconds(from) > kReachSeconds; ++from) {
      if (best[from] > best_before) {
        best_before = best[from];
        best_before_at = static_cast<std::ptrdiff_t>(from);
      }
    }
    best[i] = best_before - (best_before_at < 0 ? 0.0 : interval_penalty(kReachSeconds, usual[i]));
    previous[i] = best_before_at;
    for (std::size_t j = from; j < i; ++j) {
      const double sum = best[j] - interval_penalty(seconds(j), 0.5 * (usual[i] + usual[j]));
      if (sum > best[i]) {
        best[i] = sum;
        previous[i] = static_cast<std::ptrdiff_t>(j);
      }
    }
    best[i] += score[i];
  }
  std::vector<char> taken(count, 0);
  std::ptrdiff_t at = std::max_element(best.begin(), best.end()) - best.begin();
  for (; at >= 0; at = previous[static_cast<std::size_t>(at)]) taken[static_cast<std::size_t>(at)] = 1;
  return taken;
}

std::vector<char> choose(const std::vector<Candidate>& candidates, const Levels& level, double rate) {
  const std::size_t count = candidates.size();
  const double reach = kNeighborhoodSeconds * rate;
  std::vector<double> height(count), score(count);
  std::vector<char> taken(count), rest(count);
  for (std::size_t i = 0; i < count; ++i) {
    height[i] = candidates[i].height / level.at(candidates[i].at);
    taken[i] = height[i] > 0.35;
  }
  std::vector<double> interval(count, 0.0);
  for (int pass = 0; pass < 3; ++pass) {
    std::vector<char> has_interval(count, 0);
    std::ptrdiff_t last = -1;
    for (std::size_t i = 0; i < count; ++i) {
      rest[i] = taken[i] == 0;
      if (rest[i] != 0) continue;
      if (last >= 0) {
        interval[i] = static_cast<double>(candidates[i].at - candidates[static_cast<std::size_t>(last)].at) / rate;
        has_interval[i] = 1;
      }
      last = static_cast<std::ptrdiff_t>(i);
    }
    const std::vector<double> noise = local_median(candidates, reach, height, rest, 0.05);
    const std::vector<double> usual = local_median(candidates, reach, interval, has_interval, 0.8);
    for (std::size_t i = 0; i < count; ++i) {
      score[i] = std::log(height[i] / std::clamp(std::sqrt(noise[i]), 0.18, 0.45));
    }
    taken = best_path(candidates, score, usual, rate);
  }
  return taken;
}

// The sample position, between samples, of the maximum of `signal` within `reach` of `at`.
double refined_maximum(const Eigen::ArrayXd& signal, Eigen::Index at, Eigen::Index reach) {
  const Eigen::Index from = std::max<Eigen::Index>(0, at - reach);
  Eigen::Index top = 0;
  signal.segment(from, std::min(signal.size() - from, at + reach + 1 - from)).maxCoeff(&top);
  top += from;
  if (top == 0 || top + 1 == signal.size()) return static_cast<double>(top);
  const double left = signal[top - 1], middle = signal[top], right = signal[top + 1];
  const double curvature = left - 2.0 * middle + right;
  const double shift = curvature < 0.0 ? std::clamp(0.5 * (left - right) / curvature, -0.5, 0.5) : 0.0;
  return static_cast<double>(top) + shift;
}

// Median over blocks of QRS level over background.
double contrast(const Eigen::ArrayXd& envelope, const Levels& level) {
  const Levels background = levels(envelope, level.block, median);
  std::vector<double> ratios;
  for (Eigen::Index b = 0; b < level.value.size(); ++b) {
    ratios.push_back(level.value[b] / std::max(background.value[b], 1e-9 * level.value[b]));
  }
  return median(ratios);
}

}  // namespace

RPeaks detect_r_peaks(const Eigen::ArrayXXd& signal, double rate) {
  if (!(std::isfinite(rate) && rate >= 50.0)) {
    throw Error(fmt::format("R peaks: a sampling rate of {} Hz, at least 50 Hz are needed", rate),
                "Check the rate in the record's header.");
  }
  if (signal.cols() == 0) return {{}, "no lead"};
  const double seconds = static_cast<double>(signal.rows()) / rate;
  if (!(seconds >= 1.0)) return {{}, "shorter than one second"};
  const Eigen::ArrayXd envelope = combined_envelope(signal, rate);
  if (!(envelope.maxCoeff() > 0.0)) return {{}, "all leads are flat or missing"};
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const std::vector<Candidate> candidates = find_candidates(envelope, samples(kSeparationSeconds));
  const Eigen::Index block = std::min(signal.rows(), samples(kBlockSeconds));
  const Levels level = levels(envelope, block, largest);
  if (!(contrast(envelope, level) >= (seconds < kShortSeconds ? kMinContrastShort : kMinContrast))) {
    return {{}, "nothing stands out of the noise"};
  }
  const std::vector<char> taken = choose(candidates, level, rate);
  const Eigen::Index margin = samples(0.5 * kSmoothingSeconds);
  RPeaks peaks;  // A complex that the end of the record cuts has no place in time.
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const Eigen::Index at = candidates[i].at;
    if (taken[i] == 0 || at < margin || at >= signal.rows() - margin) continue;
    peaks.times_s.push_back(refined_maximum(envelope, at, samples(0.06)) / rate);
  }
  if (peaks.times_s.empty()) peaks.reason = "no QRS complex found";
  return peaks;
}

}  // namespace cardiograd::dsp
