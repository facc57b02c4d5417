// Training: from a prepared data set and a configuration to a folder with the run's results.
//
// The folder holds
//   config.toml        the complete configuration
//   log.csv            epoch, train_loss, val_loss, val_macro_auc, lr, samples_per_s
//   last.safetensors   the model after the last finished epoch
//   best.safetensors   the model with the highest macro AUC on the validation fold
//   state.safetensors  what resuming needs besides: weights, optimizer moments, counters, the log so far
// Each file is replaced in one step. The state is written last in every epoch, so a run killed at any moment resumes
// from the last epoch whose state was written and ends with the same bytes in its model files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/optim/adam.h"
#include "engine/transfer.h"
#include "model/data_loader.h"
#include "model/model_file.h"
#include "model/training_config.h"

namespace cardiograd::model {

struct EpochResult {
  std::int64_t epoch = 0;  // from 1
  double train_loss = 0;   // mean over the epoch's samples
  double val_loss = 0;
  double val_macro_auc = 0;  // NaN when no class has both outcomes there
  double lr = 0;             // of the epoch's last step
  double samples_per_s = 0;
  bool best = false;  // so far
};

// After each step; on the GPU some steps later, when the host has its loss.
struct StepProgress {
  std::int64_t epoch = 0;  // from 1
  std::int64_t epochs = 0;
  std::int64_t samples = 0;  // seen in this epoch
  std::int64_t samples_per_epoch = 0;
  double loss = 0;  // mean over the epoch so far
  double samples_per_s = 0;
};

// Called from the thread that trains; either may be empty.
struct TrainerCallbacks {
  std::function<void(const StepProgress&)> on_step;
  std::function<void(const EpochResult&)> on_epoch;
};

class Trainer {
 public:
  // Fits scalings and positive weights on the training folds and builds the model, on the CPU; then everything moves to
  // the configuration's device. Takes the signals out of `set`.
  // Throws Error for what cannot be trained: an empty fold, a class without positives, fewer training records than one
  // batch.
  Trainer(const TrainingConfig& config, data::Dataset set, std::filesystem::path folder);

  // Resumes from the folder's state; returns false when there is none. Throws Error when it does not fit.
  bool resume();

  // Trains the epochs that are left. Throws Error when a loss is not finite, naming step, learning rate and the first
  // tensor that is not, and OutOfMemory with the batch size that would fit.
  void run(const TrainerCallbacks& callbacks);

  Device device() const { return device_; }
  Model& net() { return *net_; }
  const ModelDescription& description() const { return description_; }
  std::int64_t epochs_done() const { return static_cast<std::int64_t>(log_.size()); }
  const std::vector<EpochResult>& log() const { return log_; }

 private:
  std::size_t records_per_epoch() const;
  double learning_rate(std::int64_t epoch, std::int64_t step) const;
  struct Epoch;
  struct Step;
  EpochResult train_epoch(std::int64_t epoch, const TrainerCallbacks& callbacks);
  void train_step(Epoch& epoch, const Step& step);
  // Reads losses until at most `ahead` are left.
  void collect_losses(Epoch& epoch, int ahead);
  void validate(EpochResult& result);
  void save(const EpochResult& result);
  void write_log() const;
  void write_state();
  // What is not finite: an input, a parameter, or the result of the first operation; empty when all is.
  std::string first_not_finite(const Batch& batch);
  [[noreturn]] void stop_not_finite(const std::string& which, double loss, double lr, const std::string& culprit) const;
  [[noreturn]] void stop_out_of_memory(const OutOfMemory& error);

  TrainingConfig config_;
  data::Dataset set_;
  std::filesystem::path folder_;
  Device device_;
  std::vector<std::int64_t> train_rows_;
  std::vector<std::int64_t> val_rows_;
  ModelDescription description_;
  std::unique_ptr<Model> net_;
  std::unique_ptr<DataLoader> source_;
  std::unique_ptr<optim::Adam> optimizer_;
  Tensor pos_weight_;
  AsyncScalars losses_;  // of steps whose loss the host has not read yet
  std::vector<EpochResult> log_;
};

}  // namespace cardiograd::model
