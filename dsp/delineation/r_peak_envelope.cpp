#include "dsp/delineation/r_peak_envelope.h"

#include <algorithm>
#include <cmath>

#include "dsp/delineation/constants.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

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
    const Eigen::Index from = std::max<Eigen::Index>(0, b - kRPeak.level_blocks);
    const Eigen::Index to = std::min(blocks, b + kRPeak.level_blocks + 1);
    buffer.assign(raw.begin() + from, raw.begin() + to);
    result.value[b] = median_in_place(buffer);
  }
  return result;
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

// Adds a lead's weighted envelope, in units of its local level, and its weight. `band`: the band-passed lead.
void add_lead(const Eigen::ArrayXd& band, Eigen::Index width, Eigen::Index block, Eigen::ArrayXd& sum,
              Eigen::ArrayXd& weights) {
  const Eigen::ArrayXd envelope = moving_mean(moving_mean(band.square(), width), width).sqrt();
  Levels high = block_maxima(envelope, block);
  const Levels background = block_medians(envelope, block);
  std::vector<double> all(high.value.begin(), high.value.end());
  const double overall = median(all);
  if (!(overall > 0.0)) return;  // Flat.
  high.value =
      high.value.max(kRPeak.min_level_fraction * overall);  // Pauses and lost contacts do not make noise large.
  for (Eigen::Index t = 0; t < band.size(); ++t) {
    const double level = high.at(t);
    const double ratio =
        std::min(level / std::max(background.at(t), kRPeak.min_background_fraction * level), kRPeak.trusted_ratio);
    const double weight = ratio * ratio;
    sum[t] += weight * std::min(envelope[t] / level, kRPeak.max_height_ratio);
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
  return levels(signal, block, median);
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

Eigen::ArrayXd combined_envelope(const Eigen::ArrayXXd& signal, double rate) {
  const Eigen::Index samples = signal.rows();
  const Sos band_pass = butterworth_bandpass(kRPeak.band_order, kRPeak.band_low_hz,
                                             std::min(kRPeak.band_high_hz, kRPeak.max_band_fraction * rate), rate);
  const auto width = 2 * static_cast<Eigen::Index>(std::lround(0.25 * kRPeak.smoothing_s * rate)) + 1;
  const auto block = std::min(samples, static_cast<Eigen::Index>(std::lround(kRPeak.level_block_s * rate)));
  Eigen::ArrayXd sum = Eigen::ArrayXd::Zero(samples);
  Eigen::ArrayXd weights = Eigen::ArrayXd::Zero(samples);
  const auto margin = std::min(samples - 1, static_cast<Eigen::Index>(kRPeak.mirror_s * rate));
  constexpr Eigen::Index kLeadsAtOnce = 4;  // Bounds the memory for long recordings.
  for (Eigen::Index lead = 0; lead < signal.cols(); lead += kLeadsAtOnce) {
    Eigen::ArrayXXd part = signal.middleCols(lead, std::min(kLeadsAtOnce, signal.cols() - lead));
    for (Eigen::Index l = 0; l < part.cols(); ++l) fill_gaps(part.col(l));
    part = sosfiltfilt(band_pass, mirrored(part, margin), 0).middleRows(margin, samples).eval();
    for (Eigen::Index l = 0; l < part.cols(); ++l) add_lead(part.col(l), width, block, sum, weights);
  }
  return (weights > 0.0).select(sum / weights, 0.0);
}

}  // namespace cardiograd::dsp
