#include "evaluation/calibration.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::evaluation {
namespace {

constexpr double kNormal975 = 1.959963984540054;  // 97.5 % point of the standard normal distribution

std::vector<ReliabilityBin> empty_bins(std::int64_t count) {
  std::vector<ReliabilityBin> bins(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < bins.size(); ++i) {
    bins[i].low = static_cast<double>(i) / static_cast<double>(count);
    bins[i].high = static_cast<double>(i + 1) / static_cast<double>(count);
  }
  return bins;
}

void finish(ReliabilityBin& bin) {
  if (bin.records == 0) {
    bin.mean_score = bin.positive_fraction = std::numeric_limits<double>::quiet_NaN();
    return;
  }
  bin.mean_score /= static_cast<double>(bin.records);
  bin.positive_fraction = static_cast<double>(bin.positives) / static_cast<double>(bin.records);
  bin.interval = wilson_interval(bin.positives, bin.records);
}

}  // namespace

ProportionInterval wilson_interval(std::int64_t successes, std::int64_t trials) {
  if (trials < 1 || successes < 0 || successes > trials)
    throw Error(fmt::format("{} of {} is no proportion", successes, trials));
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double z2 = kNormal975 * kNormal975;
  const double center = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kNormal975 * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n);
  return {std::max(0.0, center - half), std::min(1.0, center + half)};
}

Calibration calibration(const Predictions& predictions, std::int64_t column, std::int64_t bins) {
  check_predictions(predictions);
  if (bins < 1) throw Error(fmt::format("calibration in {} bins, expected one or more", bins));
  Calibration result;
  result.bins = empty_bins(bins);
  result.records = predictions.records;
  const auto stride = static_cast<std::size_t>(predictions.classes);
  for (std::size_t at = static_cast<std::size_t>(column); at < predictions.scores.size(); at += stride) {
    const auto score = static_cast<double>(predictions.scores[at]);
    if (!(score >= 0 && score <= 1))
      throw Error(fmt::format("class {}: the score {} is no probability", class_label(predictions, column), score));
    const auto bin = std::find_if(result.bins.begin(), result.bins.end() - 1,
                                  [score](const ReliabilityBin& one) { return score <= one.high; });
    ++bin->records;
    bin->mean_score += score;
    bin->positives += predictions.labels[at];
    result.positives += predictions.labels[at];
    result.brier += (score - predictions.labels[at]) * (score - predictions.labels[at]);
  }
  const auto records = static_cast<double>(predictions.records);
  result.brier /= records;
  for (ReliabilityBin& bin : result.bins) {
    finish(bin);
    if (bin.records > 0)
      result.expected_error +=
          std::abs(bin.mean_score - bin.positive_fraction) * static_cast<double>(bin.records) / records;
  }
  return result;
}

}  // namespace cardiograd::evaluation
