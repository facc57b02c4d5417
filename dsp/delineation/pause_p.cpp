#include "dsp/delineation/pause_p.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

// A window of all leads, each without its mean; missing samples are 0.
Eigen::ArrayXXd shape_at(const Eigen::ArrayXXd& signal, Eigen::Index center, Eigen::Index half) {
  Eigen::ArrayXXd shape(2 * half + 1, signal.cols());
  for (Eigen::Index i = 0; i < shape.rows(); ++i) {
    shape.row(i) = signal.row(std::clamp<Eigen::Index>(center - half + i, 0, signal.rows() - 1));
  }
  for (Eigen::Index l = 0; l < shape.cols(); ++l) {
    auto lead = shape.col(l);
    if (!lead.isFinite().all()) lead.setZero();
    lead -= lead.mean();
  }
  return shape;
}

double size_of(const Eigen::ArrayXXd& shape) {
  return std::sqrt(shape.square().sum());
}

// Whether something like `wave`, which is none of `beats` itself, comes before the beat at `beat`.
bool comes_before(const Eigen::ArrayXXd& signal, double rate, const Eigen::ArrayXXd& wave,
                  const std::vector<Eigen::Index>& beats, Eigen::Index beat) {
  const Eigen::Index half = wave.rows() / 2;
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Eigen::Index step = std::max<Eigen::Index>(1, samples(kPauseP.step_s));
  const double size = size_of(wave);
  for (Eigen::Index at = beat - samples(kPauseP.earliest_s); at <= beat - samples(kPauseP.latest_s); at += step) {
    const auto near = std::lower_bound(beats.begin(), beats.end(), at - half);
    if (at < half || (near != beats.end() && *near <= std::min(at + half, beat - 1))) continue;
    const Eigen::ArrayXXd before = shape_at(signal, at, half);
    const double other = size_of(before), ratio = size / other;
    if (ratio < kPauseP.max_size_ratio && ratio * kPauseP.max_size_ratio > 1.0 &&
        (wave * before).sum() >= kBeatGroup.same_shape_correlation * size * other)
      return true;
  }
  return false;
}

// Whether something as large as `size` follows: then the wave is none of a pause.
bool complex_follows(const Eigen::ArrayXXd& signal, double rate, Eigen::Index at, Eigen::Index half, double size) {
  const auto samples = [&](double seconds) { return static_cast<Eigen::Index>(std::lround(seconds * rate)); };
  const Eigen::Index step = std::max<Eigen::Index>(1, samples(kPauseP.step_s));
  for (Eigen::Index t = at + samples(kPauseP.latest_s); t <= at + samples(kPauseP.earliest_s); t += step) {
    if (t < signal.rows() && size_of(shape_at(signal, t, half)) >= size) return true;
  }
  return false;
}

}  // namespace

void drop_p_of_pauses(const Eigen::ArrayXXd& signal, double rate, std::span<const Eigen::Index> candidates,
                      std::vector<char>& taken) {
  const auto half = static_cast<Eigen::Index>(std::lround(kBeatGroup.shape_s * rate));
  std::vector<std::size_t> which;
  std::vector<Eigen::Index> beats;
  std::vector<double> sizes;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (taken[i] == 0) continue;
    which.push_back(i);
    beats.push_back(candidates[i]);
    sizes.push_back(size_of(shape_at(signal, candidates[i], half)));
  }
  if (beats.empty()) return;
  const double usual = lower_quantile(sizes, kPauseP.size_quantile);
  for (std::size_t i = 0; i < beats.size(); ++i) {
    const double large = kPauseP.max_size_fraction * usual;
    if (!(sizes[i] < large) || complex_follows(signal, rate, beats[i], half, large)) continue;
    const Eigen::ArrayXXd wave = shape_at(signal, beats[i], half);
    int like = 0, compared = 0;
    // The nearest large beats on either side.
    const auto compare = [&](std::size_t other) {
      if (sizes[other] < large) return false;
      like += comes_before(signal, rate, wave, beats, beats[other]) ? 1 : 0;
      return ++compared % kPauseP.near_beats == 0;
    };
    for (std::size_t j = i; j-- > 0;) {
      if (compare(j)) break;
    }
    compared = 0;
    for (std::size_t j = i + 1; j < beats.size(); ++j) {
      if (compare(j)) break;
    }
    if (like >= kPauseP.min_like_beats) taken[which[i]] = 0;
  }
}

}  // namespace cardiograd::dsp
