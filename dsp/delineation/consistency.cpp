#include "dsp/delineation/consistency.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <span>
#include <vector>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

constexpr double kTiny = 1e-30;  // Keeps divisions finite where nothing has any slope.

Eigen::Index step_of(const WorkingSignal& signal) {
  return std::max<Eigen::Index>(1, static_cast<Eigen::Index>(std::lround(kConsistency.step_s * signal.rate)));
}

// The slopes of all beats, (leads * points) x beats, each lead in units of its own; `lags` more points at both ends.
struct Slopes {
  Eigen::ArrayXXd values;
  Eigen::Index points, lags, leads;

  Eigen::ArrayXXd at_lag(Eigen::Index lag) const {
    Eigen::ArrayXXd part(points * leads, values.cols());
    for (Eigen::Index l = 0; l < leads; ++l) {
      part.middleRows(l * points, points) = values.middleRows(l * (points + 2 * lags) + lags + lag, points);
    }
    return part;
  }
  Eigen::ArrayXd beat_at_lag(Eigen::Index beat, Eigen::Index lag) const {
    Eigen::ArrayXd part(points * leads);
    for (Eigen::Index l = 0; l < leads; ++l) {
      part.segment(l * points, points) = values.col(beat).segment(l * (points + 2 * lags) + lags + lag, points);
    }
    return part;
  }
};

// `shifted`: whether those of other lags than 0 are needed; else they are left 0.
Slopes collect(const WorkingSignal& signal, std::span<const Eigen::Index> centers, Eigen::Index center,
               const Stretch& stretch, bool shifted, bool scaled = true) {
  const Eigen::Index step = step_of(signal);
  const auto from = static_cast<Eigen::Index>(stretch.from), to = static_cast<Eigen::Index>(stretch.to);
  const Eigen::Index width = stretch.slope_box;
  Slopes slopes;
  slopes.lags = static_cast<Eigen::Index>(kConsistency.max_shift_s * signal.rate) / step;
  slopes.points = std::max<Eigen::Index>(2, (to - from) / step + 1);
  slopes.leads = signal.samples.cols();
  const Eigen::Index extended = slopes.points + 2 * slopes.lags;
  const Eigen::Index first = shifted ? 0 : slopes.lags, last = shifted ? extended : slopes.lags + slopes.points;
  const auto beats = static_cast<Eigen::Index>(centers.size());
  slopes.values.setZero(extended * slopes.leads, beats);
  Eigen::ArrayXd window((extended - 1) * step + 2 * width + 1);
  for (Eigen::Index l = 0; l < slopes.leads; ++l) {
    for (Eigen::Index i = 0; i < beats; ++i) {
      const Eigen::Index start = centers[static_cast<std::size_t>(i)] - center + from - slopes.lags * step - width;
      copy_window(signal, l, start, window);
      for (Eigen::Index k = first; k < last; ++k) {
        slopes.values(l * extended + k, i) =
            window.segment(k * step + width + 1, width).sum() - window.segment(k * step, width).sum();
      }
    }
    auto block = slopes.values.middleRows(l * extended, extended);
    const double scale = std::sqrt(block.middleRows(slopes.lags, slopes.points).square().mean());
    if (scaled && scale > 0.0) block /= scale;
  }
  return slopes;
}

// Sets the correlation and shift of each beat against the sum over the others of `used`, which are shifted already.
void compare(const Slopes& slopes, Eigen::Index step, const Eigen::ArrayXXd& aligned, const std::vector<char>& used,
             Consistency& result) {
  const std::size_t beats = used.size();
  Eigen::ArrayXXd others(aligned.rows(), aligned.cols());
  Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(aligned.rows());
  for (std::size_t i = 0; i < beats; ++i) {
    if (used[i] != 0) sum += aligned.col(static_cast<Eigen::Index>(i));
  }
  for (std::size_t i = 0; i < beats; ++i) {
    const auto column = static_cast<Eigen::Index>(i);
    others.col(column) = sum;
    if (used[i] != 0) others.col(column) -= aligned.col(column);
  }
  const Eigen::ArrayXd energies = others.square().colwise().sum();
  result.correlations.assign(beats, -1.0);
  result.shifts.assign(beats, 0.0);
  std::vector<double> at_zero(beats);
  for (Eigen::Index lag = -slopes.lags; lag <= slopes.lags; ++lag) {
    const Eigen::ArrayXXd shifted = slopes.at_lag(lag);
    const Eigen::ArrayXd products = (others * shifted).colwise().sum(), own = shifted.square().colwise().sum();
    for (std::size_t i = 0; i < beats; ++i) {
      const auto column = static_cast<Eigen::Index>(i);
      const double r = products[column] / std::sqrt(std::max(kTiny, energies[column] * own[column]));
      if (lag == 0) at_zero[i] = r;
      if (r > result.correlations[i]) {
        result.correlations[i] = r;
        result.shifts[i] = static_cast<double>(lag * step);
      }
    }
  }
  for (std::size_t i = 0; i < beats; ++i) {
    if (result.correlations[i] >= kConsistency.trusted_correlation &&
        result.correlations[i] - at_zero[i] >= kConsistency.min_gain_correlation)
      continue;
    result.correlations[i] = at_zero[i];
    result.shifts[i] = 0.0;
  }
}

// The beats that resemble the others, each at its shift, as the new measure of all.
void compare_with_the_like(const Slopes& slopes, Eigen::Index step, Consistency& result) {
  const std::size_t beats = result.shifts.size();
  std::vector<char> used(beats);
  Eigen::ArrayXXd aligned(slopes.points * slopes.leads, slopes.values.cols());
  for (std::size_t i = 0; i < beats; ++i) {
    used[i] = result.correlations[i] >= 0.5 * kConsistency.enough_correlation;
    const auto column = static_cast<Eigen::Index>(i);
    aligned.col(column) = slopes.beat_at_lag(column, static_cast<Eigen::Index>(result.shifts[i]) / step);
  }
  const auto alike = static_cast<std::size_t>(std::count(used.begin(), used.end(), 1));
  if (alike < kP.min_group_beats || 2 * alike < beats) return;
  compare(slopes, step, aligned, used, result);
}

double ratio_of(const Eigen::ArrayXXd& slopes) {
  const auto count = static_cast<double>(slopes.cols());
  const Eigen::ArrayXd mean = slopes.rowwise().sum() / count;
  const double variance = (slopes.colwise() - mean).square().sum() / std::max(1.0, count - 1.0);
  return count * mean.square().sum() / std::max(variance, kTiny);
}

double common_ratio(const WorkingSignal& signal, std::span<const Eigen::Index> centers, Eigen::Index center,
                    const Stretch& stretch) {
  return ratio_of(collect(signal, centers, center, stretch, false).at_lag(0));
}

}  // namespace

Consistency consistency(const WorkingSignal& signal, const BeatGroup& group, const Stretch& stretch,
                        bool of_some_beats) {
  const Eigen::Index step = step_of(signal);
  const Slopes slopes = collect(signal, group.centers, group.center, stretch, true);
  const Eigen::ArrayXXd unshifted = slopes.at_lag(0);
  Consistency result;
  result.ratio = ratio_of(unshifted);
  for (Eigen::Index l = 0; l < slopes.leads; ++l) {
    result.lead_ratios.push_back(ratio_of(unshifted.middleRows(l * slopes.points, slopes.points)));
  }
  compare(slopes, step, unshifted, std::vector<char>(group.beats.size(), 1), result);
  for (int round = 0; of_some_beats && round < kConsistency.max_rounds &&
                      median(result.correlations) < kConsistency.enough_correlation;
       ++round) {
    compare_with_the_like(slopes, step, result);
  }
  return result;
}

double common_ratio(const WorkingSignal& signal, const BeatGroup& group, const Stretch& stretch) {
  return common_ratio(signal, group.centers, group.center, stretch);
}

double ratio_to_noise(const WorkingSignal& signal, const BeatGroup& few, const Stretch& stretch, const BeatGroup& many,
                      const Stretch& wave_of_many) {
  const Slopes wave = collect(signal, few.centers, few.center, stretch, false, false);
  const Slopes noise = collect(signal, many.centers, many.center, wave_of_many, false, false);
  const Eigen::ArrayXXd waves = wave.at_lag(0), others = noise.at_lag(0);
  const auto beats = static_cast<double>(others.cols());
  const Eigen::ArrayXd mean = waves.rowwise().mean(), mean_of_others = others.rowwise().mean();
  double sum = 0.0, leads = 0.0;
  for (Eigen::Index l = 0; l < wave.leads; ++l) {
    if (signal.usable[static_cast<std::size_t>(l)] == 0) continue;
    const Eigen::Index first = l * noise.points;
    const Eigen::ArrayXXd rest =
        others.middleRows(first, noise.points).colwise() - mean_of_others.segment(first, noise.points);
    const double variance = rest.square().mean() * beats / std::max(1.0, beats - 1.0);
    sum += mean.segment(l * wave.points, wave.points).square().mean() / std::max(variance, kTiny);
    leads += 1.0;
  }
  return leads > 0.0 ? static_cast<double>(few.beats.size()) * sum / leads : 0.0;
}

double own_beat_ratio(const WorkingSignal& signal, const BeatGroup& group, const Stretch& stretch) {
  std::vector<double> known;
  std::copy_if(group.rr_before_s.begin(), group.rr_before_s.end(), std::back_inserter(known),
               [](double rr) { return std::isfinite(rr); });
  if (known.empty()) return 1.0;
  const double usual = median(known);
  // Premature beats have a P wave of another form: they must not decide.
  std::vector<Eigen::Index> own, by_beat_before;  // Centers.
  double sum = 0.0;
  for (std::size_t i = 0; i < group.centers.size(); ++i) {
    const double rr = group.rr_before_s[i];
    if (!std::isfinite(rr) || rr < kBeatGroup.premature_ratio * usual) continue;
    const double later = std::min(rr - usual, 0.5 * usual);
    own.push_back(group.centers[i]);
    by_beat_before.push_back(group.centers[i] - static_cast<Eigen::Index>(std::lround(later * signal.rate)));
    sum += later * later;
  }
  if (std::sqrt(sum / static_cast<double>(own.size())) < kConsistency.min_irregular_s) return 1.0;
  return common_ratio(signal, own, group.center, stretch) /
         std::max(kTiny, common_ratio(signal, by_beat_before, group.center, stretch));
}

}  // namespace cardiograd::dsp
