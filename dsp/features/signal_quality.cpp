#include "dsp/features/signal_quality.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "base/error.h"
#include "dsp/filters/butterworth.h"
#include "dsp/filters/gaps.h"
#include "dsp/filters/sos.h"
#include "dsp/statistics.h"

namespace cardiograd::dsp {
namespace {

constexpr double kDriftHz = 0.7;
constexpr double kQrsHz = 6;
constexpr double kNoiseHz = 20;
constexpr double kHighHz = 40;
constexpr int kOrder = 2;
constexpr double kSwingSeconds = 2;
constexpr double kNoiseSeconds = 0.1;
constexpr double kFlatSeconds = 1;        // No heart that beats leaves a lead without any change so long.
constexpr double kClippedSeconds = 0.01;  // Tops of R waves stand still for less.
constexpr double kSteep = 0.03;           // Of the lead's range within one sample.
constexpr double kHighestSnr = 100;       // dB
constexpr double kHighestContrast = 1000;

constexpr double kMaxMissing = 0.1;
constexpr double kMaxFlat = 0.5;
constexpr double kMaxSaturated = 0.02;
constexpr double kMinSnr = 17.5;  // dB; white noise has 13 to 17.3, the worst of 4,500 leads of hospital records 17.6.
constexpr double kMinContrast = 7;  // White noise has 4 to 6.6.
constexpr double kGoodSnr = 30;     // Noise of the whole band 12 dB below the ECG, which hides P, has 28.
constexpr double kMaxLost = 0.1;
constexpr double kMaxDrift = 0.5;   // Of the swing.
constexpr double kMaxMains = 0.05;  // Of the swing.
constexpr double kJoltSeconds = 0.5;
constexpr double kMinMainsRate = 130;

// Runs of equal samples: the fraction in runs of `min_flat` samples and more, and of shorter ones at an extreme.
void measure_runs(const Eigen::ArrayXd& lead, double rate, LeadQuality& quality) {
  const double low = lead.minCoeff(), high = lead.maxCoeff();
  const double steep = kSteep * (high - low);
  const auto min_flat = static_cast<Eigen::Index>(std::ceil(kFlatSeconds * rate));
  const auto min_clipped = std::max<Eigen::Index>(3, static_cast<Eigen::Index>(std::ceil(kClippedSeconds * rate)));
  Eigen::Index flat = 0, clipped = 0;
  for (Eigen::Index first = 0, last = 0; first < lead.size(); first = last) {
    last = first + 1;
    while (last < lead.size() && lead[last] == lead[first]) ++last;
    const Eigen::Index length = last - first;
    if (length >= std::min(min_flat, lead.size())) flat += length;
    if (length < min_clipped || high == low || (lead[first] != low && lead[first] != high)) continue;
    const bool steep_before = first > 0 && std::abs(lead[first] - lead[first - 1]) > steep;
    const bool steep_after = last < lead.size() && std::abs(lead[last] - lead[first]) > steep;
    if (steep_before || steep_after) clipped += length;
  }
  const auto count = static_cast<double>(lead.size());
  quality.flat_fraction = static_cast<double>(flat) / count;
  quality.saturated_fraction = static_cast<double>(clipped) / count;
}

// Median of `statistic` over the blocks of `length` samples; a rest of less than half a block is left aside.
template <class Statistic>
double median_of_blocks(const Eigen::ArrayXd& lead, Eigen::Index length, Statistic statistic) {
  length = std::clamp<Eigen::Index>(length, 1, lead.size());
  std::vector<double> values;
  for (Eigen::Index first = 0; first + length / 2 < lead.size(); first += length)
    values.push_back(statistic(lead.segment(first, std::min(length, lead.size() - first))));
  return order_statistic(values, values.size() / 2).at;
}

// The means of blocks, or another statistic; a rest is left aside.
template <class Statistic>
std::vector<double> of_blocks(const Eigen::ArrayXd& lead, Eigen::Index length, Statistic statistic) {
  std::vector<double> values;
  for (Eigen::Index first = 0; length > 0 && first + length <= lead.size(); first += length)
    values.push_back(statistic(lead.segment(first, length)));
  return values;
}

double largest_jolt(const Eigen::ArrayXd& lead, double rate) {
  const auto means =
      of_blocks(lead, static_cast<Eigen::Index>(kJoltSeconds * rate), [](const auto& block) { return block.mean(); });
  double jolt = 0;
  for (std::size_t i = 1; i < means.size(); ++i) jolt = std::max(jolt, std::abs(means[i] - means[i - 1]));
  return jolt;
}

// The fraction of blocks whose swing is far from the usual one.
double lost_fraction(const Eigen::ArrayXd& heart, double rate, double usual) {
  const auto swings = of_blocks(heart, static_cast<Eigen::Index>(kSwingSeconds * rate),
                                [](const auto& block) { return block.maxCoeff() - block.minCoeff(); });
  const auto lost = std::count_if(swings.begin(), swings.end(),
                                  [&](double swing) { return swing < 0.1 * usual || swing > 10 * usual; });
  return swings.empty() ? 0 : static_cast<double>(lost) / static_cast<double>(swings.size());
}

// The amplitude of a sine of `frequency`, whose phase may drift from second to second.
double amplitude_at(const Eigen::ArrayXd& lead, double rate, double frequency) {
  const auto length = static_cast<Eigen::Index>(rate);
  Eigen::ArrayXd weights(length), cosines(length), sines(length);
  const double step = 2 * std::numbers::pi * frequency / rate;
  for (Eigen::Index i = 0; i < length; ++i) {
    weights[i] = 1 - std::cos(2 * std::numbers::pi * (static_cast<double>(i) + 0.5) / static_cast<double>(length));
    cosines[i] = std::cos(step * static_cast<double>(i));
    sines[i] = std::sin(step * static_cast<double>(i));
  }
  auto amplitudes = of_blocks(lead, length, [&](const auto& block) {
    double real = 0, imaginary = 0, mean = block.mean();
    for (Eigen::Index i = 0; i < block.size(); ++i) {
      const double weighted = weights[i] * (block[i] - mean);
      real += weighted * cosines[i];
      imaginary += weighted * sines[i];
    }
    return 2 * std::hypot(real, imaginary) / static_cast<double>(block.size());
  });
  if (amplitudes.empty()) return 0;
  return order_statistic(amplitudes, amplitudes.size() / 2).at;
}

double root_mean_square(const Eigen::ArrayXd& values) {
  return std::sqrt(values.square().mean());
}

// What is wrong with a lead that can be used.
std::string remark_of(const LeadQuality& quality, const std::string& unit) {
  std::string text;
  const auto add = [&](bool holds, const std::string& what) {
    if (holds) text += (text.empty() ? "" : ", ") + what;
  };
  const auto percent = [](double fraction) { return fmt::format("{:.0f} % of the time", 100 * fraction); };
  add(quality.snr_db < kGoodSnr, "noisy");
  add(quality.mains > kMaxMains * quality.swing, fmt::format("mains of {:.2g}{}", quality.mains, unit));
  add(quality.flat_fraction > 0, "flat for " + percent(quality.flat_fraction));
  add(quality.saturated_fraction > 0,
      fmt::format("saturated for {:.1g} % of the time", 100 * quality.saturated_fraction));
  add(quality.missing_fraction > 0, fmt::format("{:.1g} % of the samples are missing", 100 * quality.missing_fraction));
  add(quality.lost_fraction > kMaxLost && quality.flat_fraction == 0,
      "contact lost or shaken for " + percent(quality.lost_fraction));
  const bool jolts = quality.jolt > std::max(quality.swing, 2 * quality.drift);  // Wander takes longer.
  add(jolts, "jolts");
  add(quality.drift > kMaxDrift * quality.swing && !jolts, "baseline wanders");
  return text;
}

void judge(const std::string& unit, LeadQuality& quality) {
  const bool millivolts = unit == "mV";
  const std::string shown = millivolts ? " mV" : "";
  if (quality.missing_fraction > kMaxMissing) {
    quality.fault = fmt::format("{:.0f} % of the samples are missing", 100 * quality.missing_fraction);
  } else if (quality.flat_fraction > kMaxFlat) {
    quality.fault =
        quality.flat_fraction == 1 ? "flat" : fmt::format("flat for {:.0f} % of the time", 100 * quality.flat_fraction);
  } else if (quality.saturated_fraction > kMaxSaturated) {
    quality.fault = fmt::format("saturated for {:.0f} % of the time", 100 * quality.saturated_fraction);
  } else if (millivolts && quality.swing < kMinSwing) {
    quality.fault = fmt::format("a swing of {:.3f} mV: no ECG, or another unit than mV", quality.swing);
  } else if (millivolts && quality.swing > kMaxSwing) {
    quality.fault = fmt::format("a swing of {:.0f} mV: no ECG, or another unit than mV", quality.swing);
  } else if (quality.snr_db < kMinSnr && quality.contrast < kMinContrast) {
    quality.fault =
        fmt::format("noise of {:.3g}{} RMS at a swing of {:.3g}{}", quality.noise, shown, quality.swing, shown);
  }
  if (quality.fault.empty()) quality.remark = remark_of(quality, shown);
}

// Of a signal with samples, whose leads are filtered side by side.
std::vector<LeadQuality> quality_of(const Eigen::ArrayXXd& signal, double rate, const std::string& unit) {
  std::vector<LeadQuality> qualities(static_cast<std::size_t>(signal.cols()));
  // Values beyond this are no measurement, and their squares would not be finite.
  constexpr double kLargest = 1e100;
  Eigen::ArrayXXd bridged = (signal.abs() < kLargest).select(signal, std::nan(""));
  for (std::size_t i = 0; i < qualities.size(); ++i) {
    auto column = bridged.col(static_cast<Eigen::Index>(i));
    qualities[i].missing_fraction =
        static_cast<double>(fill_gaps(column)) / static_cast<double>(std::max<Eigen::Index>(1, signal.rows()));
    measure_runs(column, rate, qualities[i]);
  }
  const Eigen::Index padding = std::min<Eigen::Index>(signal.rows() - 1, static_cast<Eigen::Index>(rate / 2));
  const Eigen::ArrayXXd slow = sosfiltfilt(butterworth_lowpass(kOrder, kDriftHz, rate), bridged, padding);
  const Eigen::ArrayXXd heart = sosfiltfilt(butterworth_lowpass(kOrder, kHighHz, rate), bridged - slow, padding);
  const Eigen::ArrayXXd fast = sosfiltfilt(butterworth_highpass(kOrder, kNoiseHz, rate), heart, padding);
  const Eigen::ArrayXXd qrs = sosfiltfilt(butterworth_highpass(kOrder, kQrsHz, rate), heart, padding).abs();
  for (std::size_t i = 0; i < qualities.size(); ++i) {
    const auto lead = static_cast<Eigen::Index>(i);
    LeadQuality& quality = qualities[i];
    quality.drift = root_mean_square(slow.col(lead) - slow.col(lead).mean());
    quality.swing = median_of_blocks(heart.col(lead), static_cast<Eigen::Index>(kSwingSeconds * rate),
                                     [](const auto& block) { return block.maxCoeff() - block.minCoeff(); });
    quality.noise = median_of_blocks(fast.col(lead), static_cast<Eigen::Index>(std::ceil(kNoiseSeconds * rate)),
                                     [](const auto& block) { return std::sqrt(block.square().mean()); });
    quality.snr_db = quality.noise > 0 && quality.swing > 0
                         ? std::min(kHighestSnr, 20 * std::log10(quality.swing / (2 * quality.noise)))
                         : (quality.swing > 0 ? kHighestSnr : 0);
    const double height = median_of_blocks(qrs.col(lead), static_cast<Eigen::Index>(kSwingSeconds * rate),
                                           [](const auto& block) { return block.maxCoeff(); });
    const double usual = median_of_blocks(qrs.col(lead), 1, [](const auto& block) { return block[0]; });
    quality.contrast = height > 0 ? std::min(kHighestContrast, height / std::max(usual, height / kHighestContrast)) : 0;
    quality.jolt = largest_jolt(bridged.col(lead), rate);
    quality.lost_fraction = lost_fraction(heart.col(lead), rate, quality.swing);
    if (rate > kMinMainsRate) {
      for (const double frequency : {50.0, 60.0})
        quality.mains = std::max(quality.mains, amplitude_at(bridged.col(lead), rate, frequency));
    }
    judge(unit, quality);
  }
  return qualities;
}

}  // namespace

std::vector<LeadQuality> signal_quality(const Eigen::ArrayXXd& signal, double rate, const std::string& unit) {
  if (!(rate >= kMinQualityRate) || !std::isfinite(rate))
    throw Error(fmt::format("signal quality at {} Hz", rate),
                fmt::format("The rate must be {} Hz or more.", kMinQualityRate));
  std::vector<LeadQuality> qualities(static_cast<std::size_t>(signal.cols()));
  if (signal.rows() == 0) {
    for (LeadQuality& quality : qualities) quality.fault = "no samples";
    return qualities;
  }
  // Six filtered copies are in use at once: of a long recording, those of a few leads only. What is said of a lead does
  // not depend on the others.
  constexpr Eigen::Index kLong = 1'000'000, kMaxLeads = 4;
  if (signal.size() <= kLong || signal.cols() <= kMaxLeads) return quality_of(signal, rate, unit);
  for (Eigen::Index first = 0; first < signal.cols(); first += kMaxLeads) {
    auto few = quality_of(signal.middleCols(first, std::min(kMaxLeads, signal.cols() - first)), rate, unit);
    std::move(few.begin(), few.end(), qualities.begin() + first);
  }
  return qualities;
}

LeadQuality overall_quality(std::span<const LeadQuality> pieces, const std::string& unit) {
  LeadQuality overall;
  const auto values = [&](double LeadQuality::*member) {
    std::vector<double> all;
    for (const LeadQuality& piece : pieces) all.push_back(piece.*member);
    return all;
  };
  for (const auto member : {&LeadQuality::missing_fraction, &LeadQuality::flat_fraction,
                            &LeadQuality::saturated_fraction, &LeadQuality::lost_fraction})
    overall.*member = mean(values(member));
  for (const auto member : {&LeadQuality::swing, &LeadQuality::noise, &LeadQuality::snr_db, &LeadQuality::contrast,
                            &LeadQuality::drift, &LeadQuality::jolt, &LeadQuality::mains})
    overall.*member = median(values(member));
  judge(unit, overall);
  return overall;
}

}  // namespace cardiograd::dsp
