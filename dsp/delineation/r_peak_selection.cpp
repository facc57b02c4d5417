#include "dsp/delineation/r_peak_selection.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// Median of `values[j]`, weighed equally, over the candidates j within `reach` samples of each candidate for
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

// The set of candidates with the largest sum of log(height / threshold) less the penalties of its intervals, by dynamic
// programming over the last candidate taken.
std::vector<char> best_path(const std::vector<Candidate>& candidates, const std::vector<double>& score,
                            const std::vector<double>& usual, double rate, const Alike& alike) {
  const std::size_t count = candidates.size();
  std::vector<double> best(count);
  std::vector<std::ptrdiff_t> previous(count, -1);
  double best_before = 0.0;  // Best sum that ends more than kRPeak.max_pause_s ago.
  std::ptrdiff_t best_before_at = -1;
  std::size_t from = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto seconds = [&](std::size_t j) { return static_cast<double>(candidates[i].at - candidates[j].at) / rate; };
    for (; seconds(from) > kRPeak.max_pause_s; ++from) {
      if (best[from] > best_before) {
        best_before = best[from];
        best_before_at = static_cast<std::ptrdiff_t>(from);
      }
    }
    best[i] = best_before - (best_before_at < 0 ? 0.0 : interval_penalty(kRPeak.max_pause_s, usual[i]));
    previous[i] = best_before_at;
    for (std::size_t j = from; j < i; ++j) {
      const double interval = 0.5 * (usual[i] + usual[j]);
      if (is_t_wave(candidates[j], candidates[i], seconds(j), interval)) continue;
      double sum = best[j] - interval_penalty(seconds(j), interval);
      if (seconds(j) < kRPeak.short_interval_ratio * interval && previous[j] >= 0) {
        // Couplets and short runs of fast beats. A T wave or a spike between two beats resembles neither.
        const Candidate& before = candidates[static_cast<std::size_t>(previous[j])];
        const double in_run = std::min(interval, static_cast<double>(candidates[j].at - before.at) / rate);
        const double run_sum = best[j] - interval_penalty(seconds(j), in_run);
        if (run_sum > std::max(sum, best[i]) && alike(candidates[j], candidates[i])) sum = run_sum;
      }
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

// Intervals to the beat before, in seconds, of the candidates that are taken for beats.
struct Intervals {
  std::vector<double> seconds;
  std::vector<char> known;  // Not of the first beat, and of no candidate that is none.
};

Intervals intervals_of(const std::vector<Candidate>& candidates, const std::vector<char>& taken, double rate) {
  Intervals intervals{std::vector<double>(candidates.size(), 0.0), std::vector<char>(candidates.size(), 0)};
  std::ptrdiff_t last = -1;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (taken[i] == 0) continue;
    if (last >= 0) {
      intervals.seconds[i] =
          static_cast<double>(candidates[i].at - candidates[static_cast<std::size_t>(last)].at) / rate;
      intervals.known[i] = 1;
    }
    last = static_cast<std::ptrdiff_t>(i);
  }
  return intervals;
}

}  // namespace

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

double interval_penalty(double seconds, double usual) {
  const double ratio = seconds / usual;
  double penalty = 0.0;
  if (ratio < kRPeak.short_interval_ratio)
    penalty += kRPeak.short_interval_weight * std::log(kRPeak.short_interval_ratio / ratio);
  if (ratio > kRPeak.long_interval_ratio)
    penalty += kRPeak.long_interval_weight * std::log(ratio / kRPeak.long_interval_ratio);
  if (seconds < kRPeak.min_interval_s)
    penalty += kRPeak.min_interval_weight * std::log(kRPeak.min_interval_s / seconds);
  return penalty;
}

bool is_t_wave(const Candidate& beat, const Candidate& later, double seconds, double usual) {
  return seconds < kRPeak.latest_t_bazett_s * std::sqrt(std::max(usual, kRPeak.default_interval_s)) &&
         later.sharpness < kRPeak.dull_ratio * beat.sharpness;
}

Selection select_beats(const std::vector<Candidate>& candidates, const Levels& level, double rate, const Alike& alike) {
  const std::size_t count = candidates.size();
  const double reach = kRPeak.neighborhood_s * rate;
  Selection selection{std::vector<char>(count), std::vector<double>(count)};
  if (count == 0) return selection;
  std::vector<double> height(count), score(count);
  std::vector<char> rest(count);
  for (std::size_t i = 0; i < count; ++i) {
    height[i] = candidates[i].height / level.at(candidates[i].at);
    selection.taken[i] = height[i] > kRPeak.first_height_fraction || candidates[i].sharp > 1.0;
  }
  for (int pass = 0; pass < kRPeak.selection_passes; ++pass) {
    for (std::size_t i = 0; i < count; ++i) rest[i] = selection.taken[i] == 0;
    const Intervals intervals = intervals_of(candidates, selection.taken, rate);
    const std::vector<double> noise = local_median(candidates, reach, height, rest, kRPeak.default_noise_fraction);
    const std::vector<double> usual =
        local_median(candidates, reach, intervals.seconds, intervals.known, kRPeak.default_interval_s);
    for (std::size_t i = 0; i < count; ++i) {
      const double threshold =
          std::clamp(std::sqrt(noise[i]), kRPeak.min_threshold_fraction, kRPeak.max_threshold_fraction);
      selection.thresholds[i] = threshold * level.at(candidates[i].at);
      score[i] = std::log(std::max(height[i] / threshold, candidates[i].sharp));
    }
    selection.taken = best_path(candidates, score, usual, rate, alike);
  }
  return selection;
}

}  // namespace cardiograd::dsp
