// What an epoch makes of its records: parts of them, and altered ones, so that a model that sees each of them many
// times learns less of it by heart. What happens to a record depends on the seed, the epoch, the record and, with
// mixup, on the record behind it in the batch alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/ops/ops.h"
#include "engine/tensor.h"

namespace cardiograd::model {

struct Augmentation {
  // Of Beta(mixup, mixup), from which the fraction of another record's is drawn (Zhang et al., ICLR 2018), in signals,
  // features and labels; at most a half, so that the record stays most of it. 0 to 1; 0: none.
  double mixup = 0;
  double lead_dropout = 0;     // probability that a lead is silent, each by itself
  double amplitude_sd = 0;     // of the logarithm of a factor of all leads
  double time_mask = 0;        // longest stretch that is silent in all leads, as a fraction of the samples
  double label_smoothing = 0;  // labels become label * (1 - this) + this / 2

  bool any() const { return mixup > 0 || lead_dropout > 0 || amplitude_sd > 0 || time_mask > 0 || label_smoothing > 0; }
};

// A record at its place in an epoch's order, and the one behind it in its batch.
struct Place {
  std::int64_t record = 0;
  std::int64_t start = 0;  // sample that its part begins at
  std::int64_t next = 0;
  std::int64_t next_start = 0;
};

// ops::AlteredPlaces on the host, a row for each place.
struct BatchPlan {
  std::vector<std::int32_t> records, starts, others, other_starts, silent_first, silent_count;
  std::vector<float> fractions;
  std::vector<float> gains;  // (places, leads)
  double label_smoothing = 0;

  std::size_t places() const { return records.size(); }
};

// Of parts of `samples` samples, for `epoch` (from 0). Over all threads.
BatchPlan plan_batches(const Augmentation& augmentation, std::uint64_t seed, std::int64_t epoch, std::int64_t samples,
                       std::int64_t leads, const std::vector<Place>& places);

// The plan as tensors on `device`.
ops::AlteredPlaces to_tensors(const BatchPlan& plan, std::int64_t leads, Device device);

}  // namespace cardiograd::model
