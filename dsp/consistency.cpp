#include "dsp/consistency.h"

#include <algorithm>
#include <cmath>

namespace cardiograd::dsp {
namespace {

constexpr double kStepSeconds = 0.006;       // Between compared slopes.
constexpr double kLargestShift = 0.03;       // Seconds.
constexpr double kTrustedCorrelation = 0.7;  // From which on a shift is believed,
constexpr double kLeastGain = 0.02;          // if it improves the correlation by that much.
constexpr double kTiny = 1e-30;

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
};

Slopes collect(const WorkingSignal& signal, const BeatGroup& group, Eigen::Index from, Eigen::Index to,
               Eigen::Index step, Eigen::Index width) {
  Slopes slopes;
  slopes.lags = static_cast<Eigen::Index>(kLargestShift * signal.rate) / step;
  slopes.points = std::max<Eigen::Index>(2, (to - from) / step + 1);
  slopes.leads = signal.samples.cols();
  const Eigen::Index extended = slopes.points + 2 * slopes.lags;
  const auto beats = static_cast<Eigen::Index>(group.beats.size());
  slopes.values.resize(extended * slopes.leads, beats);
  Eigen::ArrayXd window((extended - 1) * step + 2 * width + 1);
  for (Eigen::Index l = 0; l < slopes.leads; ++l) {
    for (Eigen::Index i = 0; i < beats; ++i) {
      const Eigen::Index start =
          group.centres[static_cast<std::size_t>(i)] - group.centre + from - slopes.lags * step - width;
      copy_window(signal, l, start, window);
      for (Eigen::Index k = 0; k < extended; ++k) {
        slopes.values(l * extended + k, i) =
            window.segment(k * step + width + 1, width).sum() - window.segment(k * step, width).sum();
      }
    }
    auto block = slopes.values.middleRows(l * extended, extended);
    const double scale = std::sqrt(block.middleRows(slopes.lags, slopes.points).square().mean());
    if (scale > 0.0) block /= scale;
  }
  return slopes;
}

}  // namespace

Consistency consistency(const WorkingSignal& signal, const BeatGroup& group, double from, double to,
                        Eigen::Index width) {
  const Eigen::Index step =
      std::max<Eigen::Index>(1, static_cast<Eigen::Index>(std::lround(kStepSeconds * signal.rate)));
  const Slopes slopes =
      collect(signal, group, static_cast<Eigen::Index>(from), static_cast<Eigen::Index>(to), step, width);
  const std::size_t beats = group.beats.size();
  const auto count = static_cast<double>(beats);
  const Eigen::ArrayXXd unshifted = slopes.at_lag(0);
  const Eigen::ArrayXd sum = unshifted.rowwise().sum();
  const Eigen::ArrayXd mean = sum / count;
  const double variance = (unshifted.colwise() - mean).square().sum() / std::max(1.0, count - 1.0);

  Consistency result;
  result.ratio = count * mean.square().sum() / std::max(variance, kTiny);
  result.correlations.assign(beats, -1.0);
  result.shifts.assign(beats, 0.0);
  std::vector<double> at_zero(beats);
  for (Eigen::Index lag = -slopes.lags; lag <= slopes.lags; ++lag) {
    const Eigen::ArrayXXd shifted = slopes.at_lag(lag);
    for (std::size_t i = 0; i < beats; ++i) {
      const auto column = static_cast<Eigen::Index>(i);
      const Eigen::ArrayXd others = sum - unshifted.col(column);
      const double norms = others.square().sum() * shifted.col(column).square().sum();
      const double r = (others * shifted.col(column)).sum() / std::sqrt(std::max(kTiny, norms));
      if (lag == 0) at_zero[i] = r;
      if (r > result.correlations[i]) {
        result.correlations[i] = r;
        result.shifts[i] = static_cast<double>(lag * step);
      }
    }
  }
  for (std::size_t i = 0; i < beats; ++i) {
    if (result.correlations[i] >= kTrustedCorrelation && result.correlations[i] - at_zero[i] >= kLeastGain) continue;
    result.correlations[i] = at_zero[i];
    result.shifts[i] = 0.0;
  }
  return result;
}

}  // namespace cardiograd::dsp
