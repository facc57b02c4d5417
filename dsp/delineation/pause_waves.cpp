#include "dsp/delineation/pause_waves.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/filters/gaps.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// A window of all leads, each without its mean. Gaps are interpolated; leads that are missing throughout are 0.
Eigen::ArrayXXd shape_at(const Eigen::ArrayXXd& signal, Eigen::Index center, Eigen::Index half) {
  Eigen::ArrayXXd shape(2 * half + 1, signal.cols());
  for (Eigen::Index i = 0; i < shape.rows(); ++i) {
    shape.row(i) = signal.row(std::clamp<Eigen::Index>(center - half + i, 0, signal.rows() - 1));
  }
  for (Eigen::Index l = 0; l < shape.cols(); ++l) {
    auto lead = shape.col(l);
    fill_gaps(lead);
    lead -= lead.mean();
  }
  return shape;
}

double size_of(const Eigen::ArrayXXd& shape) {
  return std::sqrt(shape.square().sum());
}

// Whether both windows have the same shape and about the same size.
bool alike(const Eigen::ArrayXXd& a, const Eigen::ArrayXXd& b) {
  const double size = size_of(a), other = size_of(b), ratio = size / other;
  return ratio < kPause.max_size_ratio && ratio * kPause.max_size_ratio > 1.0 &&
         (a * b).sum() >= kBeatGroup.same_shape_correlation * size * other;
}

// Whether `wave`, that of beat i, is like that of another one.
bool is_like_another(const Eigen::ArrayXXd& signal, double rate, const Eigen::ArrayXXd& wave,
                     const std::vector<Eigen::Index>& beats, std::size_t i) {
  const Eigen::Index half = wave.rows() / 2;
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Eigen::Index step = std::max<Eigen::Index>(1, samples(kPause.step_s)), reach = samples(kBeatGroup.max_lag_s);
  for (std::size_t j = 0; j < beats.size(); ++j) {
    if (j == i) continue;
    for (Eigen::Index at = beats[j] - reach; at <= beats[j] + reach; at += step) {
      if (alike(wave, shape_at(signal, at, half))) return true;
    }
  }
  return false;
}

// Whether something like `wave`, which is none of `beats` itself, comes before the beat at `beat`.
bool comes_before(const Eigen::ArrayXXd& signal, double rate, const Eigen::ArrayXXd& wave,
                  const std::vector<Eigen::Index>& beats, Eigen::Index beat) {
  const Eigen::Index half = wave.rows() / 2;
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Eigen::Index step = std::max<Eigen::Index>(1, samples(kPause.step_s));
  for (Eigen::Index at = beat - samples(kPause.earliest_s); at <= beat - samples(kPause.latest_s); at += step) {
    const auto near = std::lower_bound(beats.begin(), beats.end(), at - half);
    if (at < half || (near != beats.end() && *near <= std::min(at + half, beat - 1))) continue;
    if (alike(wave, shape_at(signal, at, half))) return true;
  }
  return false;
}

// Whether something as large as `size` follows: then the wave is none of a pause.
bool complex_follows(const Eigen::ArrayXXd& signal, double rate, Eigen::Index at, Eigen::Index half, double size) {
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Eigen::Index step = std::max<Eigen::Index>(1, samples(kPause.step_s));
  for (Eigen::Index t = at + samples(kPause.latest_s); t <= at + samples(kPause.earliest_s); t += step) {
    if (t < signal.rows() && size_of(shape_at(signal, t, half)) >= size) return true;
  }
  return false;
}

}  // namespace

void drop_waves_of_pauses(const Eigen::ArrayXXd& signal, double rate, std::span<const Eigen::Index> candidates,
                          std::vector<char>& taken) {
  const auto half = static_cast<Eigen::Index>(std::lround(kBeatGroup.shape_s * rate));
  std::vector<std::size_t> which;
  std::vector<Eigen::Index> beats;
  std::vector<double> sizes;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (taken[i] == 0) continue;
    which.push_back(i);
    beats.push_back(candidates[i]);
    sizes.push_back(size_of(shape_at(signal, beats.back(), half)));
  }
  if (beats.empty()) return;
  const double large = kPause.max_size_fraction * lower_quantile(sizes, kPause.size_quantile);
  std::vector<double> intervals;  // Between large beats.
  Eigen::Index last = -1;
  double count = 0.0;
  for (std::size_t i = 0; i < beats.size(); ++i) {
    if (sizes[i] < large) continue;
    count += 1.0;
    if (last >= 0) intervals.push_back(static_cast<double>(beats[i] - last));
    last = beats[i];
  }
  const bool most = count >= kPause.min_large_fraction * static_cast<double>(beats.size());
  const double usual =
      intervals.empty() ? kRPeak.default_interval_s * rate : lower_quantile(intervals, kPause.usual_quantile);
  for (std::size_t i = 0; i < beats.size(); ++i) {
    if (!(sizes[i] < large) || complex_follows(signal, rate, beats[i], half, large)) continue;
    const Eigen::ArrayXXd wave = shape_at(signal, beats[i], half);
    // The nearest large beats on either side.
    std::vector<Eigen::Index> before, after;
    for (std::size_t j = i; j-- > 0 && before.size() < kPause.near_beats;) {
      if (sizes[j] >= large) before.push_back(beats[j]);
    }
    for (std::size_t j = i + 1; j < beats.size() && after.size() < kPause.near_beats; ++j) {
      if (sizes[j] >= large) after.push_back(beats[j]);
    }
    const double gap =
        static_cast<double>((after.empty() ? signal.rows() : after.front()) - (before.empty() ? 0 : before.front()));
    std::size_t like = 0;
    for (const auto& side : {before, after}) {
      for (const Eigen::Index beat : side) like += comes_before(signal, rate, wave, beats, beat) ? 1U : 0U;
    }
    const bool alone = most && gap > kPause.min_pause_ratio * usual && !is_like_another(signal, rate, wave, beats, i);
    if (like >= kPause.min_like_beats || alone) taken[which[i]] = 0;
  }
}

}  // namespace cardiograd::dsp
