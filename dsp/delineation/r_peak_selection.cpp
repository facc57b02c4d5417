#include "dsp/delineation/r_peak_selection.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

// The best sum of the beats up to a candidate, which is the last of them.
struct Path {
  double sum = -std::numeric_limits<double>::infinity();
  std::ptrdiff_t previous = -1;  // the beat before
  bool previous_fast = false;    // and which of its two paths
};

// Of each candidate the best path with a last interval of usual length, and that with a short one. A run of fast beats
// costs at its beginning; only later does it pay, so its path must not be forgotten for one that leaves a beat out.
struct Paths {
  Path calm, fast;
  const Path& best() const { return fast.sum > calm.sum ? fast : calm; }
  const Path& of(bool is_fast) const { return is_fast ? fast : calm; }
};

// What the steps of the search have in common.
class PathSearch {
 public:
  PathSearch(const std::vector<Candidate>& candidates, const std::vector<double>& usual, double rate,
             const Alike& alike)
      : candidates_(candidates), usual_(usual), rate_(rate), alike_(alike), paths_(candidates.size()) {}

  double seconds(std::size_t from, std::size_t to) const {
    return static_cast<double>(candidates_[to].at - candidates_[from].at) / rate_;
  }
  const Paths& at(std::size_t i) const { return paths_[i]; }

  // Begins the paths of candidate i more than kRPeak.max_pause_s behind the beat `before`; -1: none.
  void begin(std::size_t i, std::ptrdiff_t before, double sum) {
    paths_[i].calm = {sum - (before < 0 ? 0.0 : interval_penalty(kRPeak.max_pause_s, usual_[i])), before,
                      before >= 0 && is_fast(static_cast<std::size_t>(before))};
  }
  // Puts i behind j where that is better.
  void append(std::size_t i, std::size_t j) {
    const double apart = seconds(j, i), interval = 0.5 * (usual_[i] + usual_[j]);
    if (is_t_wave(candidates_[j], candidates_[i], apart, interval)) return;
    const bool is_short = apart < kRPeak.short_interval_ratio * interval;
    Path& to = is_short ? paths_[i].fast : paths_[i].calm;
    improve(to, {paths_[j].best().sum - interval_penalty(apart, interval), static_cast<std::ptrdiff_t>(j), is_fast(j)});
    if (!is_short && apart >= kRPeak.min_interval_s) return;
    // Couplets and short runs of fast beats. A T wave or a spike between two beats resembles neither.
    for (const bool fast : {false, true}) {
      const Path& before = paths_[j].of(fast);
      if (before.previous < 0) continue;
      const double last = seconds(static_cast<std::size_t>(before.previous), j);
      const Path run = {before.sum - run_penalty(apart, std::min(interval, last)), static_cast<std::ptrdiff_t>(j),
                        fast};
      if (run.sum > to.sum && alike_(candidates_[j], candidates_[i])) to = run;
    }
  }
  void add(std::size_t i, double score) {
    paths_[i].calm.sum += score;
    paths_[i].fast.sum += score;
  }
  std::vector<char> taken(std::size_t last) const {
    std::vector<char> taken(paths_.size(), 0);
    bool fast = is_fast(last);
    for (auto at = static_cast<std::ptrdiff_t>(last); at >= 0;) {
      taken[static_cast<std::size_t>(at)] = 1;
      const Path& path = paths_[static_cast<std::size_t>(at)].of(fast);
      at = path.previous;
      fast = path.previous_fast;
    }
    return taken;
  }

 private:
  bool is_fast(std::size_t i) const { return paths_[i].fast.sum > paths_[i].calm.sum; }
  static void improve(Path& path, const Path& other) {
    if (other.sum > path.sum) path = other;
  }

  const std::vector<Candidate>& candidates_;
  const std::vector<double>& usual_;
  double rate_;
  const Alike& alike_;
  std::vector<Paths> paths_;
};

// The set of candidates with the largest sum of log(height / threshold) less the penalties of its intervals, by dynamic
// programming over the last candidate taken.
std::vector<char> best_path(const std::vector<Candidate>& candidates, const std::vector<double>& score,
                            const std::vector<double>& usual, double rate, const Alike& alike) {
  PathSearch search(candidates, usual, rate, alike);
  double best_before = 0.0;  // Best sum that ends more than kRPeak.max_pause_s ago.
  std::ptrdiff_t best_before_at = -1;
  std::size_t from = 0, last = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    for (; search.seconds(from, i) > kRPeak.max_pause_s; ++from) {
      if (search.at(from).best().sum > best_before) {
        best_before = search.at(from).best().sum;
        best_before_at = static_cast<std::ptrdiff_t>(from);
      }
    }
    search.begin(i, best_before_at, best_before);
    for (std::size_t j = from; j < i; ++j) search.append(i, j);
    search.add(i, score[i]);
    if (search.at(i).best().sum > search.at(last).best().sum) last = i;
  }
  return search.taken(last);
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

// In QRS levels, from the height of the maxima that are no beats.
double threshold_of(double noise) {
  return std::clamp(std::sqrt(noise), kRPeak.min_threshold_fraction, kRPeak.max_threshold_fraction);
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

double run_penalty(double seconds, double usual) {
  const double ratio = seconds / usual;
  return ratio < kRPeak.short_interval_ratio
             ? kRPeak.short_interval_weight * std::log(kRPeak.short_interval_ratio / ratio)
             : 0.0;
}

double interval_penalty(double seconds, double usual) {
  const double ratio = seconds / usual;
  double penalty = run_penalty(seconds, usual);
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
  std::vector<double> height(count), sharp(count), score(count);
  std::vector<char> rest(count);
  for (std::size_t i = 0; i < count; ++i) {
    height[i] = candidates[i].height / level.at(candidates[i].at);
    sharp[i] = candidates[i].sharp;
    selection.taken[i] = height[i] > kRPeak.first_height_fraction || candidates[i].sharp > kRPeak.first_height_fraction;
  }
  for (int pass = 0; pass < kRPeak.selection_passes; ++pass) {
    for (std::size_t i = 0; i < count; ++i) rest[i] = selection.taken[i] == 0;
    const Intervals intervals = intervals_of(candidates, selection.taken, rate);
    const std::vector<double> noise = local_median(candidates, reach, height, rest, kRPeak.default_noise_fraction);
    const std::vector<double> sharp_noise = local_median(candidates, reach, sharp, rest, kRPeak.default_noise_fraction);
    const std::vector<double> usual =
        local_median(candidates, reach, intervals.seconds, intervals.known, kRPeak.default_interval_s);
    for (std::size_t i = 0; i < count; ++i) {
      const double threshold = threshold_of(noise[i]);
      selection.thresholds[i] = threshold * level.at(candidates[i].at);
      // What noise reaches in the sharp envelope has no upper limit: there beats may be lower than it.
      const double sharp_threshold = std::max(threshold_of(sharp_noise[i]), std::sqrt(candidates[i].sharp_noise));
      score[i] = std::log(std::max(height[i] / threshold, sharp[i] / sharp_threshold));
    }
    selection.taken = best_path(candidates, score, usual, rate, alike);
  }
  return selection;
}

}  // namespace cardiograd::dsp
