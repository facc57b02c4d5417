#include "dsp/delineation/r_peak_envelope.h"

#include <algorithm>
#include <cmath>
#include <utility>

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

// `statistic` of each block, then the running median over `around` blocks on either side.
template <class Statistic>
Levels levels(const Eigen::ArrayXd& signal, Eigen::Index block, Eigen::Index around, Statistic statistic) {
  const Eigen::Index blocks = block_count(signal.size(), block);
  std::vector<double> raw(static_cast<std::size_t>(blocks));
  std::vector<double> buffer;
  for (Eigen::Index b = 0; b < blocks; ++b) {
    const Eigen::Index end = b + 1 == blocks ? signal.size() : (b + 1) * block;
    buffer.assign(signal.data() + b * block, signal.data() + end);
    raw[static_cast<std::size_t>(b)] = statistic(buffer);
  }
  return {running_median(raw, around), block};
}

double largest(std::vector<double>& values) {
  return *std::max_element(values.begin(), values.end());
}

// Centered moving mean over `width` (odd) samples; at the ends over what there is.
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

// The sum of weighted envelopes, and of the weights.
struct WeightedSum {
  Eigen::ArrayXd sum, weights;

  explicit WeightedSum(Eigen::Index samples) : sum(Eigen::ArrayXd::Zero(samples)), weights(sum) {}
  Eigen::ArrayXd mean() const { return (weights > 0.0).select(sum / weights, 0.0); }
};

// Adds a lead's envelope in units of its local level, with its weight. `band`: the band-passed lead. `own`: takes every
// `step`-th sample of it, as many as there is room for.
void add_lead(const Eigen::ArrayXd& band, Eigen::Index width, Eigen::Index block, Eigen::Index step,
              Eigen::Ref<Eigen::ArrayXd> own, WeightedSum& total) {
  const Eigen::ArrayXd envelope = moving_mean(moving_mean(band.square(), width), width).sqrt();
  const Levels maxima = levels(envelope, block, 0, largest), background = levels(envelope, block, 0, median);
  std::vector<double> raw(maxima.value.begin(), maxima.value.end());
  Levels high{running_median(raw, kRPeak.level_blocks), block};
  std::vector<double> all(high.value.begin(), high.value.end());
  const double overall = median_in_place(all);
  if (!(overall > 0.0)) return;  // Flat.
  high.value =
      high.value.max(kRPeak.min_level_fraction * overall);  // Pauses and lost contacts do not make noise large.
  for (Eigen::Index t = 0; t < band.size(); ++t) {
    const double level = high.at(t);
    const double ratio =
        std::min(level / std::max(background.at(t), kRPeak.min_background_fraction * level), kRPeak.trusted_ratio);
    // Maxima much above or below the usual: a broken lead, if they are not so in the others as well.
    const double strange = std::max(maxima.at(t) / level, kRPeak.min_background_fraction);
    const double weight = ratio * ratio * std::pow(std::min(strange, 1.0 / strange), kRPeak.strange_order);
    const double height = std::min(envelope[t] / level, kRPeak.max_height_ratio);
    total.sum[t] += weight * height;
    total.weights[t] += weight;
    if (t % step == 0 && t / step < own.size()) own[t / step] = height;
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
  return levels(signal, block, kRPeak.level_blocks, largest);
}

Levels block_medians(const Eigen::ArrayXd& signal, Eigen::Index block) {
  return levels(signal, block, kRPeak.level_blocks, median);
}

Levels block_lows(const Eigen::ArrayXd& signal, Eigen::Index block) {
  return levels(signal, block, kRPeak.level_blocks,
                [](const std::vector<double>& values) { return lower_quantile(values, 0.25); });
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
  constexpr Eigen::Index kLeadsAtOnce = 4;  // Bounds the memory for long recordings.
  for (Eigen::Index lead = 0; lead < signal.cols(); lead += kLeadsAtOnce) {
    Eigen::ArrayXXd part = signal.middleCols(lead, std::min(kLeadsAtOnce, signal.cols() - lead));
    for (Eigen::Index l = 0; l < part.cols(); ++l) fill_gaps(part.col(l));
    part = mirrored(part, margin);
    for (std::size_t band = 0; band < 2; ++band) {
      const Eigen::ArrayXXd passed = sosfiltfilt(bands[band], part, 0).middleRows(margin, samples);
      for (Eigen::Index l = 0; l < passed.cols(); ++l) {
        add_lead(passed.col(l), width, block, step, each[band].col(lead + l), totals[band]);
      }
    }
  }
  return {totals[0].mean(), totals[1].mean(), std::move(each[0]), rate / static_cast<double>(step)};
}

}  // namespace cardiograd::dsp
