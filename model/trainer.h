// Training: from a prepared data set and a configuration to a folder with the run's results.
//
// The folder holds
//   config.toml        the complete configuration
//   log.csv            epoch, train_loss, val_loss, val_macro_auc, lr, samples_per_s, seconds, finished, and of each
//                      class auc_<class> on the validation fold
//   last.safetensors   the model after the last finished epoch
//   best.safetensors   the model with the highest macro AUC on the validation fold; with keep = last that of the last
//                      epoch
//   state.safetensors  what resuming needs besides: weights, optimizer moments, counters, the log so far, and hashes
//                      of the data and the values that the run is made of
// Each file is replaced in one step. The state is written before the first step, every few minutes, when the run is
// stopped, and last in every epoch. So a run killed at any moment resumes from the last state and ends with the same
// bytes in its model files.
//
// Several processes may train one model together (ProcessGroup, trainer_group.cpp): each computes its part of the rows
// of every batch, the gradients are summed, and all make the same step. Rank 0 alone writes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "engine/gpu_group.h"
#include "engine/gradient_exchange.h"
#include "engine/optim/adam.h"
#include "engine/process_group.h"
#include "engine/transfer.h"
#include "model/data_loader.h"
#include "model/graph_steps.h"
#include "model/initial_weights.h"
#include "model/model_file.h"
#include "model/training_config.h"
#include "model/training_state.h"

namespace cardiograd::model {

// After each step; on the GPU some steps later, when the host has its loss.
struct StepProgress {
  std::int64_t epoch = 0;  // from 1
  std::int64_t epochs = 0;
  std::int64_t samples = 0;  // seen in this epoch
  std::int64_t samples_per_epoch = 0;
  double loss = 0;  // mean over the epoch so far
  double samples_per_s = 0;
};

// Called from the thread that trains; each may be empty.
struct TrainerCallbacks {
  std::function<void(const StepProgress&)> on_step{};
  std::function<void(const EpochResult&)> on_epoch{};
  std::function<bool()> stop{};  // asked after every step; true: save the state and end
  // Asked within a step on the CPU, by all of its threads: true leaves the step undone, for one that would take too
  // long; the state before it is saved, and training ends. Must not throw.
  std::function<bool()> give_up{};
};

inline constexpr double kSaveEverySeconds = 300;

// Whether `processes` may train together as `config` says, as far as that does not depend on the data: before these are
// read. Throws UsageError.
void check_for_processes(const TrainingConfig& config, int processes, Device device);

// The same for one device: --batch-size auto and --graph on. Throws UsageError.
void check_for_device(const TrainingConfig& config, Device device);

// The option or key because of which steps are no graph on any device; empty when there is none.
std::string why_no_graph(const TrainingConfig& config);

class Trainer {
 public:
  // Fits scalings and positive weights on the training folds and builds the model, on the CPU; then everything moves to
  // the configuration's device. Takes the signals out of `set`.
  // Throws Error for what cannot be trained: an empty fold, a class without positives, fewer training records than one
  // batch; what cannot be trained by several processes; and what take_over_weights() and freeze_part() throw. `group`
  // must outlive the trainer, and all its ranks must make the same calls; `gpus` likewise, with the same ranks, where
  // several processes train on GPUs.
  Trainer(const TrainingConfig& config, data::Dataset set, std::filesystem::path folder,
          ProcessGroup& group = single_process(), GpuGroup* gpus = nullptr);

  // Resumes from the folder's state; returns false when there is none, nor anything else that a run has written. Throws
  // Error when the state does not fit, is of other data or other values (unless parse_training_state() allows the
  // change), or is missing beside a run's models.
  bool resume(bool allow_changes = false);

  // Trains the epochs that are left, and saves the state at least every `save_every_s` seconds of training. False when
  // callbacks.stop or give_up ended it before: resume() goes on from there. Throws Error when a loss is not finite,
  // naming step, learning rate and the first tensor that is not, and OutOfMemory with the batch size that would fit.
  bool run(const TrainerCallbacks& callbacks, double save_every_s = kSaveEverySeconds);

  // With the batch size that was chosen, where the trainer chooses it.
  const TrainingConfig& config() const { return config_; }
  Device device() const { return device_; }
  // The steps as graphs; nullptr where they are not: on the CPU, or with graph = off.
  const GraphSteps* graph_steps() const { return graph_.get(); }
  Model& net() { return *net_; }
  const ModelDescription& description() const { return description_; }
  // What came from the configuration's training.init.
  const TakenOver& taken_over() const { return taken_; }
  std::int64_t epochs_done() const { return static_cast<std::int64_t>(log_.size()); }
  const std::vector<EpochResult>& log() const { return log_; }

 private:
  std::size_t records_per_epoch() const;
  std::int64_t total_steps() const;
  double learning_rate(std::int64_t epoch, std::int64_t step) const;
  double beta1_of(std::int64_t step) const;
  void save_models(const EpochResult& result);
  struct Epoch;
  struct Step;
  struct Stopped {};
  EpochResult train_epoch(std::int64_t epoch, const TrainerCallbacks& callbacks);
  // Between two steps: saves the state when it is time. Throws Stopped.
  void pause(Epoch& epoch, std::size_t samples);
  // Of the whole batch.
  struct OwnRows {
    std::size_t first = 0;
    std::size_t count = 0;
    bool counts = true;  // false: they stand in for none (BatchPart::Rows)
  };
  OwnRows own_rows(std::size_t batch) const;
  // Of places first ... end - 1 of an epoch's `rows`: those that this process computes, step after step.
  std::vector<std::int64_t> own_order(const std::vector<std::int64_t>& rows, std::size_t first, std::size_t end) const;
  // Whether training batches are parts of records, or altered.
  bool plans_batches() const { return config_.crop > 0 || config_.augmentation.any(); }
  std::int64_t most_places() const;
  void add_places(const Epoch& epoch, std::size_t first, std::size_t count, std::vector<Place>& places) const;
  BatchPlan plan_of(const Epoch& epoch, const std::vector<Place>& places) const;
  Batch training_batch(const Epoch& epoch, const Step& step) const;
  void train_step(Epoch& epoch, const Step& step);
  void plain_step(Epoch& epoch, const Step& step);
  void differentiate(const Tensor& own_loss, std::size_t batch);
  bool may_give_up(const TrainerCallbacks& callbacks) const;
  // Throws Stopped when callbacks.give_up ended the step.
  void train_step_or_undo(Epoch& epoch, const Step& step);
  void begin_with(const std::optional<TrainedModel>& init);
  void make_optimizers();
  void update_weights(const Step& step, const Tensor& loss);
  void choose_batch_size();
  void make_graph_steps();
  // Tells the graphs which records and learning rates are next.
  void begin_graph_epoch(const Epoch& epoch);
  // Reads losses until at most `ahead` are left; of graphs those that have arrived, or all when `ahead` is 0.
  void collect_losses(Epoch& epoch, int ahead);
  void take_loss(Epoch& epoch, double value);
  void validate(EpochResult& result, const TrainerCallbacks& callbacks);
  void save(const EpochResult& result);
  void write_log() const;
  void save_as(const std::string& name);
  void write_state();
  // Throws Error for a model of the run that is not there, damaged, or another's.
  void check_models(const TrainingProgress& progress) const;
  // What several processes do together; all in trainer_group.cpp.
  void check_group() const;
  void expect_equal_data();
  void expect_equal_weights();
  double mean_loss(double own, std::size_t batch, const TrainerCallbacks& callbacks);
  Tensor mean_loss_on_gpus(const Tensor& own, std::size_t batch);
  const Tensor& weights_on_gpu(std::size_t batch);
  // Before a step on GPUs, whose losses come later: who wants to stop, and whether rank 0 wants to save.
  void meet_before_step(const TrainerCallbacks& callbacks);
  bool on_gpus() const { return gpus_ != nullptr; }
  double loss_of(const Batch& batch);
  Scores score_together(const std::function<void()>& between);
  std::string first_not_finite_of_all(double own_loss, const Batch& own);
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
  std::unique_ptr<DataLoader> loader_;
  std::unique_ptr<optim::Adam> optimizer_;
  // Of the weights that were taken over, where they have a learning rate of their own; otherwise there is none.
  std::unique_ptr<optim::Adam> slow_optimizer_;
  std::unique_ptr<optim::WeightAverage> average_;  // nullptr where none is asked for
  std::unique_ptr<GradientExchange> gradients_;    // nullptr for one process alone
  TakenOver taken_;                                // from config_.init
  Tensor pos_weight_;
  AsyncScalars losses_;  // of steps whose loss the host has not read yet
  std::unique_ptr<GraphSteps> graph_;
  std::vector<EpochResult> log_;
  std::map<std::string, std::string> models_;  // hashes of those written, by their file's name
  EpochPosition position_;                     // in the epoch that is not finished
  RunSource run_source_;
  ProcessGroup& group_;
  GpuGroup* gpus_;
  Tensor loss_weights_;                 // on the GPU, of batches of ...
  std::size_t loss_weights_batch_ = 0;  // ... so many records
  bool stop_agreed_ = false;            // by all ranks, in the last step
  bool save_agreed_ = false;
  double save_every_s_ = kSaveEverySeconds;
  std::chrono::steady_clock::time_point saved_;
};

}  // namespace cardiograd::model
