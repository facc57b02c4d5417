// Altered copies of the training records, so that a model that sees each of them many times learns less of it by heart.
// What happens to a record in an epoch depends on the seed, the epoch, the record and, with mixup, on the record behind
// it in the batch alone.
#pragma once

#include <cstdint>
#include <vector>

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

// A batch on the CPU, before it is standardized.
struct HostBatch {
  Tensor signals;   // int16 (N, samples, leads); value = int16 * scale; data::kInvalidInt16 where silent or invalid
  Tensor scales;    // (N, leads)
  Tensor features;  // (N, features) or undefined
  Tensor labels;    // (N, classes)
};

// Alters `batch`, whose records are those of `rows`, for `epoch` (from 0).
void augment(const Augmentation& augmentation, std::uint64_t seed, std::int64_t epoch,
             const std::vector<std::int64_t>& rows, HostBatch& batch);

}  // namespace cardiograd::model
