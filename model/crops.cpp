#include "model/crops.h"

#include <algorithm>

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

}  // namespace cardiograd::model
