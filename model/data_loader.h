// Recordings as tensors, and batches of them for the model.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "data/mapped_signals.h"
#include "engine/tensor.h"
#include "model/augmentation.h"
#include "model/crops.h"
#include "model/model.h"
#include "model/scaling.h"

namespace cardiograd::model {

struct Batch {
  Tensor signals;   // (N, samples, leads), standardized
  Tensor features;  // (N, features), or undefined when there are none
  Tensor labels;    // (N, classes), 0 or 1 where nothing has altered them
};

// What batches are made of, one row per record.
struct RecordArrays {
  std::int64_t records = 0;
  std::int64_t samples = 0;  // per record and lead
  std::int64_t leads = 0;
  std::int64_t classes = 0;
  Crops crops;                        // what batches have of the records
  std::int64_t feature_width = 0;     // inputs of the model's feature branch; 0: none
  std::vector<std::int16_t> signals;  // (records, samples, leads); value = int16 · scale; -32768 where invalid
  std::shared_ptr<const data::MappedSignals> mapped;  // or these; then `signals` is empty
  std::vector<float> scales;                          // (records, leads)
  std::vector<float> features;                        // (records, feature_width), scaled (scaled_features)
  std::vector<float> labels;                          // (records, classes), 0 or 1
};

// The largest fraction of the GPU's memory that the signals of all records may stay in.
inline constexpr double kResidentFraction = 0.5;

class DataLoader {
 public:
  // Batches are made on `device`. On the GPU the int16 signals of all records stay in its memory when they take no more
  // than `resident_fraction` of it; otherwise those of each batch are sent, while the GPU still works on the batches
  // before. On the CPU those of a mapped set are read from their files. Throws Error when the arrays do not have the
  // sizes that they say.
  DataLoader(RecordArrays arrays, const SignalScaling& signal_scaling, Device device = Device::kCpu,
             double resident_fraction = kResidentFraction);

  // The records `rows[first ... first + count - 1]`. Does not wait for the GPU. With crops the one of record
  // rows[first + i] that begins at sample starts[i]; without `starts` the one in its middle.
  Batch batch(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t count,
              const std::vector<std::int64_t>& starts = {}) const;

  // The places of `plan`, which has parts as long as the crops, or whole records.
  Batch planned_batch(const BatchPlan& plan) const;

  // One record, all samples of it also with crops. Throws Error for one that is not there.
  Batch whole(std::int64_t record) const;

  // A later batch has these records: those of a mapped set are read from disk meanwhile.
  void prefetch(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t count) const;

  const Crops& crops() const { return crops_; }
  // Per record, and of a batch's.
  std::int64_t samples() const { return samples_; }
  std::int64_t part_samples() const { return crops_.samples == 0 ? samples_ : crops_.samples; }
  std::int64_t leads() const { return leads_; }

  // The samples (samples, leads) of one record in the unit that the arrays have; NaN where invalid. Throws Error
  // for a record that is not there.
  std::vector<float> recording(std::int64_t record) const;

  // All records as they lie on the device; only where resident(). Parts of the loader.
  struct Resident {
    const Tensor& signals;  // int16 (records, samples, leads)
    const Tensor& scales;   // (records, leads)
    const Tensor& mean;     // (leads)
    const Tensor& inverse_sd;
  };
  Resident resident_arrays() const { return {resident_signals_, resident_scales_, mean_, inverse_sd_}; }
  // On the CPU: (records, classes), and (records, width) or undefined.
  const Tensor& labels() const { return labels_; }
  const Tensor& features() const { return features_; }

  Device device() const { return device_; }
  // True when all signals are in memory where the batches are made.
  bool resident() const { return resident_signals_.defined(); }

 private:
  data::RecordSignal signal_of(std::int64_t record) const {
    if (mapped_) return {*mapped_, record};
    return data::RecordSignal(signals_.data<std::int16_t>() + record * samples_ * leads_);
  }
  Tensor signals_of(const std::vector<std::int32_t>& index) const;
  void expect_record(std::int64_t record) const;
  void make_resident(double fraction);
  Tensor planned_signals(const BatchPlan& plan) const;
  Tensor standardized(const Tensor& signals, const Tensor& scales, const std::vector<std::int32_t>& index) const;

  Device device_;
  Crops crops_;
  std::int64_t records_;
  std::int64_t samples_;
  std::int64_t leads_;
  std::shared_ptr<const data::MappedSignals> mapped_;
  Tensor signals_;   // unless mapped: int16 (records, samples, leads), as the next three on the CPU
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
  double loss = 0;                   // weighted BCE, mean over all; NaN without weights; of crops that of the windows
};

// What score() and GraphSteps evaluate of `rows`: of each record in turn the windows that the crops cut it into.
std::vector<Place> window_places(const DataLoader& loader, const std::vector<std::int64_t>& rows);

// Of some of the batches of score(): their answers side by side, and of each the mean loss times the number of inputs.
struct BatchScores {
  std::vector<float> logits;
  std::vector<double> losses;  // empty without weights
};
// Batches first ... end - 1 of those that `rows` have, `batch_size` at a time (of the last that there is: fewer).
BatchScores score_batches(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows,
                          std::int64_t batch_size, const Tensor& pos_weight, std::int64_t first, std::int64_t end,
                          const std::function<void()>& between = {});
std::int64_t batches_of(const DataLoader& loader, std::size_t rows, std::int64_t batch_size);
// What score() returns, from all batches of `rows` records in their order.
Scores join_batches(const DataLoader& loader, std::size_t rows, BatchScores all);

// With the probabilities of `logits`.
Scores make_scores(std::vector<float> logits, double loss);

// Runs the model in evaluation mode over `rows`, `batch_size` at a time; with crops over the windows of each record
// (crop_windows), whose probabilities are joined. `pos_weight` (classes) may be undefined.
// `between` is called before each batch.
Scores score(Model& net, const DataLoader& loader, const std::vector<std::int64_t>& rows, std::int64_t batch_size,
             const Tensor& pos_weight, const std::function<void()>& between = {});

}  // namespace cardiograd::model
