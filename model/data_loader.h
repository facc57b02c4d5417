// A prepared data set as tensors, and batches of it for the model.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "engine/tensor.h"
#include "model/model.h"
#include "model/scaling.h"

namespace cardiograd::model {

struct Batch {
  Tensor signals;   // (N, samples, leads), standardized
  Tensor features;  // (N, features), or undefined when there are none
  Tensor labels;    // (N, classes), 0 or 1
};

// What part of the GPU's memory the signals of a whole data set may take.
inline constexpr double kResidentShare = 0.5;

class DataLoader {
 public:
  // Takes the signals out of `set`, which keeps everything else. Batches are made on `device`. On the GPU the int16
  // signals of the whole set stay in its memory when they take no more than `resident_share` of it; otherwise those of
  // each batch are sent, while the GPU still works on the batches before.
  DataLoader(data::Dataset& set, const SignalScaling& signal_scaling, const FeatureScaling& feature_scaling,
             Device device = Device::kCpu, double resident_share = kResidentShare);

  // The records `rows[first ... first + count - 1]`. Does not wait for the GPU.
  Batch batch(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t count) const;

  // The samples (samples, leads) of one record as the data set has them, in its unit; NaN where invalid. Throws Error
  // for a record that is not there.
  std::vector<float> recording(std::int64_t record) const;

  Device device() const { return device_; }
  // True when all signals are where the batches are made.
  bool resident() const { return resident_signals_.defined(); }

 private:
  Device device_;
  Tensor signals_;   // int16 (records, samples, leads), as the next three on the CPU
  Tensor scales_;    // (records, leads)
  Tensor features_;  // (records, width) or undefined
  Tensor labels_;    // (records, classes)
  Tensor resident_signals_;
  Tensor resident_scales_;
  Tensor mean_;  // (leads)
  Tensor inverse_sd_;
};

// Scores of many records.
struct Scores {
  std::vector<float> logits;         // (N, classes)
  std::vector<float> probabilities;  // (N, classes)
  double loss = 0;                   // weighted BCE, mean over all; NaN without weights
};

// Runs the model in evaluation mode over `rows`, `batch_size` at a time. `pos_weight` (classes) may be undefined.
Scores score(Model& net, const DataLoader& source, const std::vector<std::int64_t>& rows, std::int64_t batch_size,
             const Tensor& pos_weight);

// Indices of the records whose fold is in `folds`.
std::vector<std::int64_t> rows_of_folds(const data::Dataset& set, const std::vector<std::int64_t>& folds);

// The labels (N, classes) of `rows`.
std::vector<std::uint8_t> labels_of(const data::Dataset& set, const std::vector<std::int64_t>& rows);

}  // namespace cardiograd::model
