#include "model/crops.h"

#include <algorithm>
#include <cmath>

#include "base/philox.h"
#include "base/random_streams.h"

namespace cardiograd::model {

std::vector<std::int64_t> crop_windows(const Crops& crops, std::int64_t record_samples) {
  if (crops.samples == 0) return {0};
  const std::int64_t last = record_samples - crops.samples;
  const std::int64_t stride = std::max<std::int64_t>(1, crops.step > 0 ? crops.step : crops.samples / 2);
  std::vector<std::int64_t> starts;
  for (std::int64_t start = 0; start <= last; start += stride) starts.push_back(start);
  if (starts.empty() || starts.back() < last) starts.push_back(std::max<std::int64_t>(0, last));
  return starts;
}

std::int64_t crop_start(const Crops& crops, std::int64_t record_samples, std::uint64_t seed, std::int64_t epoch,
                        std::int64_t record) {
  const std::int64_t places = record_samples - crops.samples;
  if (crops.samples == 0 || places <= 1) return 0;
  return PhiloxStream(seed, random_streams::crop(epoch, record)).below(static_cast<std::uint32_t>(places));
}

JoinedLogit joined_logit(std::span<const double> logits, Aggregate aggregate) {
  JoinedLogit joined;
  joined.slopes.resize(logits.size());
  if (aggregate == Aggregate::kMax) {
    const auto largest = std::max_element(logits.begin(), logits.end());
    joined.logit = *largest;
    joined.slopes[static_cast<std::size_t>(largest - logits.begin())] = 1;
    return joined;
  }
  // logit(mean p) = log(sum p) - log(sum (1 - p)), where nothing is lost for p near 0 or 1.
  double sum = 0, other = 0;
  for (const double logit : logits) {
    sum += 1 / (1 + std::exp(-logit));
    other += 1 / (1 + std::exp(logit));
  }
  joined.logit = std::log(sum) - std::log(other);
  for (std::size_t i = 0; i < logits.size(); ++i)
    joined.slopes[i] = (1 / sum + 1 / other) / (1 + std::exp(-logits[i])) / (1 + std::exp(logits[i]));
  return joined;
}

}  // namespace cardiograd::model
