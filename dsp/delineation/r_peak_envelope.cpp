#include "dsp/delineation/r_peak_envelope.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dsp/delineation/constants.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

Eigen::Index block_count(Eigen::Index samples, Eigen::Index block) {
  return std::max<Eigen::Index>(1, samples / block);
}

Eigen::ArrayXd running_median(const std::vector<double>& raw, Eigen::Index around) {
  const auto blocks = static_cast<Eigen::Index>(raw.size());
  Eigen::ArrayXd result(blocks);
  std::vector<double> buffer;
  for (Eigen::Index b = 0; b < blocks; ++b) {
    const Eigen::Index from = std::max<Eigen::Index>(0, b - around);
    const Eigen::Index to = std::min(blocks, b + around + 1);
    buffer.assign(raw.begin() + from, raw.begin() + to);
    result[b] = median_in_place(buffer);
  }
  return result;
}

// `statistic` of the samples of each block.
template <class Statistic>
std::vector<double> of_blocks(const Eigen::Ref<const Eigen::ArrayXd>& signal, Eigen::Index block, Statistic statistic) {
  const Eigen::Index blocks = block_count(signal.size(), block);
  std::vector<double> values;
  for (Eigen::Index b = 0; b < blocks; ++b) {
    const Eigen::Index end = b + 1 == blocks ? signal.size() : (b + 1) * block;
    values.push_back(statistic(std::span(signal.data() + b * block, signal.data() + end)));
  }
  return values;
}

double largest(std::span<const double> values) {
  return *std::max_element(values.begin(), values.end());
}

double middle(std::span<const double> values) {
  thread_local std::vector<double> buffer;
  buffer.assign(values.begin(), values.end());
  return median_in_place(buffer);
}

// The running median of a statistic over the blocks around.
template <class Statistic>
Levels levels(const Eigen::ArrayXd& signal, Eigen::Index block, Statistic statistic) {
  return {running_median(of_blocks(signal, block, statistic), kRPeak.level_blocks), block};
}

// Centered moving mean of kColumns columns, from column `first` on: each sum waits for itself, so several go side by
// side.
template <int kColumns>
void add_moving_means(const Eigen::ArrayXXd& signal, Eigen::Index half, Eigen::Index first, Eigen::ArrayXXd& mean) {
  const Eigen::Index count = signal.rows();
  Eigen::Index terms = std::min(half, count);
  const double* from[kColumns];
  double* to[kColumns];
  double sums[kColumns];
  for (int c = 0; c < kColumns; ++c) {
    from[c] = signal.col(first + c).data();
    to[c] = mean.col(first + c).data();
    sums[c] = Eigen::ArrayXd(signal.col(first + c).head(terms)).sum();
  }
  for (Eigen::Index t = 0; t < count; ++t) {
    if (t + half < count) {
      for (int c = 0; c < kColumns; ++c) sums[c] += from[c][t + half];
      ++terms;
    }
    if (t - half - 1 >= 0) {
      for (int c = 0; c < kColumns; ++c) sums[c] -= from[c][t - half - 1];
      --terms;
    }
    for (int c = 0; c < kColumns; ++c) to[c][t] = std::max(0.0, sums[c]) / static_cast<double>(terms);
  }
}

// Centered moving mean over `width` (odd) samples of each column; at the ends over what there is.
Eigen::ArrayXXd moving_mean(const Eigen::ArrayXXd& signal, Eigen::Index width) {
  Eigen::ArrayXXd mean(signal.rows(), signal.cols());
  Eigen::Index column = 0;
  for (; column + 4 <= signal.cols(); column += 4) add_moving_means<4>(signal, width / 2, column, mean);
  for (; column + 2 <= signal.cols(); column += 2) add_moving_means<2>(signal, width / 2, column, mean);
  if (column < signal.cols()) add_moving_means<1>(signal, width / 2, column, mean);
  return mean;
}

// Where samples lie between the centers of blocks: that of all leads is the same.
struct BlockPlaces {
  Eigen::Index block;
  std::vector<Eigen::Index> starts;  // [s]: the first sample at or after the center of block s - 1; then their number.
  Eigen::ArrayXd fraction;           // Of the way to the next center.

  BlockPlaces(Eigen::Index samples, Eigen::Index block_length) : block(block_length), fraction(samples) {
    for (Eigen::Index t = 0; t < samples; ++t) {
      const double position = static_cast<double>(t) / static_cast<double>(block) - 0.5;
      const double below = std::floor(position);
      while (static_cast<double>(starts.size()) - 2.0 < below) starts.push_back(t);
      fraction[t] = position - below;
    }
    starts.push_back(samples);
  }
};

// A level on the way from one center to the next.
struct Slope {
  double left, rise;

  Slope(const Eigen::ArrayXd& value, Eigen::Index segment)
      : left(value[std::clamp<Eigen::Index>(segment - 1, 0, value.size() - 1)]),
        rise(value[std::clamp<Eigen::Index>(segment, 0, value.size() - 1)] - left) {}
  double at(double fraction) const { return left + rise * fraction; }
};

// The sum of weighted envelopes, and of the weights.
struct WeightedSum {
  Eigen::ArrayXd sum, weights;

  explicit WeightedSum(Eigen::Index samples) : sum(Eigen::ArrayXd::Zero(samples)), weights(sum) {}
  Eigen::ArrayXd mean() const { return (weights > 0.0).select(sum / weights, 0.0); }
};

// Adds a lead's envelope in units of its local level, with its weight. `own`: takes every `step`-th sample of it, as
// many as there is room for.
void add_lead(const Eigen::Ref<const Eigen::ArrayXd>& envelope, const BlockPlaces& places, Eigen::Index step,
              Eigen::Ref<Eigen::ArrayXd> own, WeightedSum& total) {
  const std::vector<double> maxima = of_blocks(envelope, places.block, largest);
  const std::vector<double> backgrounds = of_blocks(envelope, places.block, middle);
  const auto blocks = static_cast<Eigen::Index>(maxima.size());
  Eigen::ArrayXd high = running_median(maxima, kRPeak.level_blocks);
  const double overall = middle({high.data(), maxima.size()});
  if (!(overall > 0.0)) return;                          // Flat.
  high = high.max(kRPeak.min_level_fraction * overall);  // Pauses and lost contacts do not make noise large.
  const Eigen::Map<const Eigen::ArrayXd> maximum(maxima.data(), blocks), background(backgrounds.data(), blocks);
  Eigen::ArrayXd heights(envelope.size());
  const double *fractions = places.fraction.data(), *x = envelope.data();
  double *sum = total.sum.data(), *weights = total.weights.data(), *height = heights.data();
  for (std::size_t s = 0; s + 1 < places.starts.size(); ++s) {
    const auto segment = static_cast<Eigen::Index>(s);
    const Slope level_of(high, segment), maximum_of(maximum, segment), background_of(background, segment);
    for (Eigen::Index t = places.starts[s]; t < places.starts[s + 1]; ++t) {
      const double level = level_of.at(fractions[t]);
      const double ratio =
          std::min(level / std::max(background_of.at(fractions[t]), kRPeak.min_background_fraction * level),
                   kRPeak.trusted_ratio);
      // Maxima much above or below the usual: a broken lead, if they are not so in the others as well.
      const double strange = std::max(maximum_of.at(fractions[t]) / level, kRPeak.min_background_fraction);
      const double weight = ratio * ratio * std::pow(std::min(strange, 1.0 / strange), kRPeak.strange_order);
      height[t] = std::min(x[t] / level, kRPeak.max_height_ratio);
      sum[t] += weight * height[t];
      weights[t] += weight;
    }
  }
  for (Eigen::Index i = 0; i < own.size(); ++i) own[i] = heights[i * step];
}

// Extended at both ends by its mirror image: no step at the ends, whatever the first and last sample are.
Eigen::ArrayXXd mirrored(const Eigen::ArrayXXd& signal, Eigen::Index margin) {
  Eigen::ArrayXXd extended(signal.rows() + 2 * margin, signal.cols());
  extended.topRows(margin) = signal.middleRows(1, margin).colwise().reverse();
  extended.middleRows(margin, signal.rows()) = signal;
  extended.bottomRows(margin) = signal.middleRows(signal.rows() - 1 - margin, margin).colwise().reverse();
  return extended;
}

}  // namespace

double Levels::at(Eigen::Index sample) const {
  const double position = static_cast<double>(sample) / static_cast<double>(block) - 0.5;
  const auto below = static_cast<Eigen::Index>(std::floor(position));
  const Eigen::Index last = value.size() - 1;
  const double left = value[std::clamp<Eigen::Index>(below, 0, last)];
  const double right = value[std::clamp<Eigen::Index>(below + 1, 0, last)];
  return left + (right - left) * (position - static_cast<double>(below));
}

Levels block_maxima(const Eigen::ArrayXd& signal, Eigen::Index block) {
  return levels(signal, block, largest);
}

Levels block_medians(const Eigen::ArrayXd& signal, Eigen::Index block) {
  return levels(signal, block, middle);
}

Levels block_lows(const Eigen::ArrayXd& signal, Eigen::Index block) {
  return levels(signal, block, [](std::span<const double> values) {
    return lower_quantile({values.begin(), values.end()}, 0.25);
  });
}

double contrast(const Eigen::ArrayXd& envelope, const Levels& qrs_level) {
  const Levels background = block_medians(envelope, qrs_level.block);
  std::vector<double> ratios;
  for (Eigen::Index b = 0; b < qrs_level.value.size(); ++b) {
    ratios.push_back(qrs_level.value[b] /
                     std::max(background.value[b], kRPeak.min_background_fraction * qrs_level.value[b]));
  }
  return median(ratios);
}

Envelopes combined_envelopes(const Eigen::ArrayXXd& signal, double rate) {
  const Eigen::Index samples = signal.rows();
  const auto band_pass = [&](double low, double high) {
    return butterworth_bandpass(kRPeak.band_order, low, std::min(high, kRPeak.max_band_fraction * rate), rate);
  };
  const Sos bands[] = {band_pass(kRPeak.band_low_hz, kRPeak.band_high_hz),
                       band_pass(kRPeak.sharp_low_hz, kRPeak.sharp_high_hz)};
  const auto width = 2 * static_cast<Eigen::Index>(std::lround(0.25 * kRPeak.smoothing_s * rate)) + 1;
  const auto block = std::min(samples, static_cast<Eigen::Index>(std::lround(kRPeak.level_block_s * rate)));
  WeightedSum totals[] = {WeightedSum(samples), WeightedSum(samples)};
  const auto margin = std::min(samples - 1, static_cast<Eigen::Index>(kRPeak.mirror_s * rate));
  const auto step = std::max<Eigen::Index>(1, static_cast<Eigen::Index>(rate / kLeadTimes.rate_hz));
  const Eigen::Index points =
      (std::min(samples, static_cast<Eigen::Index>(kLeadTimes.looked_at_s * rate)) + step - 1) / step;
  Eigen::ArrayXXd each[] = {Eigen::ArrayXXd::Zero(points, signal.cols()), Eigen::ArrayXXd::Zero(0, signal.cols())};
  const BlockPlaces places(samples, block);
  constexpr Eigen::Index kLeadsAtOnce = 8;  // Bounds the memory for long recordings.
  for (Eigen::Index lead = 0; lead < signal.cols(); lead += kLeadsAtOnce) {
    Eigen::ArrayXXd part = signal.middleCols(lead, std::min(kLeadsAtOnce, signal.cols() - lead));
    for (Eigen::Index l = 0; l < part.cols(); ++l) fill_gaps(part.col(l));
    part = mirrored(part, margin);
    for (std::size_t band = 0; band < 2; ++band) {
      const Eigen::ArrayXXd passed = sosfiltfilt(bands[band], part, 0).middleRows(margin, samples);
      const Eigen::ArrayXXd envelopes = moving_mean(moving_mean(passed.square(), width), width).sqrt();
      for (Eigen::Index l = 0; l < passed.cols(); ++l) {
        add_lead(envelopes.col(l), places, step, each[band].col(lead + l), totals[band]);
      }
    }
  }
  return {totals[0].mean(), totals[1].mean(), std::move(each[0]), rate / static_cast<double>(step)};
}

}  // namespace cardiograd::dsp
