#include "model/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <ctime>
#include <deque>
#include <set>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/cancellation.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/random_streams.h"
#include "base/text.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/cuda.h"
#include "engine/io/safetensors.h"
#include "engine/ops/ops.h"
#include "engine/optim/clip.h"
#include "engine/optim/schedule.h"
#include "engine/precision.h"
#include "evaluation/metrics.h"
#include "evaluation/thresholds.h"
#include "model/describe_model.h"
#include "model/pos_weight.h"
#include "model/preprocessing.h"
#include "model/undoable_step.h"

namespace cardiograd::model {
namespace {

using Clock = std::chrono::steady_clock;

// Steps that the host may submit before the GPU has finished the first of them: the GPU never waits for the host.
constexpr int kStepsAhead = 4;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Trainer::Trainer(const TrainingConfig& config, data::Dataset set, std::filesystem::path folder, ProcessGroup& group,
                 GpuGroup* gpus)
    : config_(config),
      set_(std::move(set)),
      folder_(std::move(folder)),
      device_(device_for(config_.device)),
      description_(describe_model(config_, set_)),
      losses_(device_, kStepsAhead + 1),
      run_source_(run_source(config_, set_)),
      group_(group),
      gpus_(gpus) {
  const std::vector<std::int64_t> folds = training_folds(set_, config_.data);
  data::check_training_folds(set_, {folds.begin(), folds.end()}, static_cast<int>(config_.data.val_fold),
                             static_cast<int>(config_.data.test_fold));
  train_rows_ = rows_of_folds(set_, folds);
  val_rows_ = rows_of_folds(set_, {config_.data.val_fold});
  const auto records = static_cast<std::int64_t>(train_rows_.size());
  if (config_.auto_batch_size) config_.batch_size = 2;  // until the memory is known
  if (records < 2 || (config_.drop_last && records < config_.batch_size))
    throw Error(
        fmt::format("the training folds hold {} records, fewer than a batch of {}", records, config_.batch_size),
        "Use a smaller --batch-size.");

  check_for_device(config_, device_);
  if (group_.has_others()) check_group();
  std::optional<TrainedModel> init;
  if (!config_.init.empty()) {
    init = load_model(config_.init);
    run_source_.data["init"] = to_string(content_hash(read_file(model_path(config_.init))));
  }
  if (group_.has_others()) expect_equal_data();
  description_.processes = group_.size();
  description_.batch_norm = config_.batch_norm;
  description_.signal_scaling =
      config_.data.standardize
          ? fit_signal_scaling(set_, train_rows_, config_.data.standardize_over == StandardizeOver::kAll)
          : identity_scaling(set_.leads);
  description_.feature_scaling = fit_feature_scaling(set_, train_rows_, config_.data.missing_flags);
  if (init) take_over_scaling(init->description, description_);
  DataShape shape = description_.architecture.shape();
  shape.features = description_.feature_scaling.width();
  description_.architecture.set_shape(shape);
  std::vector<float> weights(set_.class_names.size(), 1.0F);
  if (config_.pos_weight) weights = pos_weight(labels_of(set_, train_rows_), set_.class_names);
  pos_weight_ = Tensor::from(weights, {shape.classes}).to(device_);

  begin_with(init);
  net_->to(device_);
  loader_ = std::make_unique<DataLoader>(take_arrays(set_, description_.feature_scaling, description_.crops()),
                                         description_.signal_scaling, device_);
  if (config_.auto_batch_size) choose_batch_size();
  make_optimizers();
  make_graph_steps();
}

void Trainer::begin_with(const std::optional<TrainedModel>& init) {
  net_ = description_.architecture.build(static_cast<std::uint64_t>(config_.seed));
  if (!init) return;
  // Whether its weights are frozen or not: nobody knows what of them stays.
  const bool synthetic = init->description.synthetic || init->description.synthetic_start;
  description_.synthetic_start = synthetic && !description_.synthetic;
  if (description_.synthetic_start)
    log_warning("this run began with a model trained on synthetic ECGs: its models will say so");
  taken_ = take_over_weights(*init, description_, *net_);
  freeze_part(*net_, config_.freeze, taken_);
}

void Trainer::make_optimizers() {
  const optim::AdamOptions options = {.beta2 = config_.beta2,
                                      .weight_decay = config_.weight_decay,
                                      .decoupled = config_.optimizer == Optimizer::kAdamw};
  std::vector<nn::NamedTensor> slow, others;
  for (const nn::NamedTensor& named : net_->parameters()) {
    const bool taken = std::find(taken_.whole.begin(), taken_.whole.end(), named.name) != taken_.whole.end();
    (taken && config_.init_lr_factor != 1 ? slow : others).push_back(named);
  }
  optimizer_ = std::make_unique<optim::Adam>(others, options);
  if (!slow.empty()) slow_optimizer_ = std::make_unique<optim::Adam>(slow, options);
  if (config_.weight_average > 0)
    average_ = std::make_unique<optim::WeightAverage>(net_->named_tensors(), config_.weight_average);
  const std::vector<Tensor*> leaves = nn::tensors_of(net_->parameters());
  if (on_gpus())
    gradients_ = exchange_between(*gpus_, leaves);
  else if (group_.has_others())
    gradients_ = exchange_between(group_, leaves);
}

std::size_t Trainer::records_per_epoch() const {
  const auto batch_size = static_cast<std::size_t>(config_.batch_size);
  const std::size_t rest = train_rows_.size() % batch_size;
  // Batch norm cannot train on a single record.
  return config_.drop_last || rest == 1 ? train_rows_.size() - rest : train_rows_.size();
}

std::int64_t Trainer::total_steps() const {
  const auto batch_size = static_cast<std::size_t>(config_.batch_size);
  return static_cast<std::int64_t>((records_per_epoch() + batch_size - 1) / batch_size) * config_.epochs;
}

double Trainer::learning_rate(std::int64_t epoch, std::int64_t step) const {
  switch (config_.schedule) {
    case Schedule::kCosine:
      return optim::cosine_annealing(config_.lr, epoch, config_.epochs);
    case Schedule::kOneCycle:
      return optim::one_cycle(config_.lr, step, total_steps());
    case Schedule::kConstant:
      break;
  }
  return config_.lr;
}

double Trainer::beta1_of(std::int64_t step) const {
  return config_.cycle_momentum ? optim::one_cycle_beta1(step, total_steps()) : optim::AdamOptions().beta1;
}

// One step: rows[first ... first + count - 1] of the epoch.
struct Trainer::Step {
  std::size_t first = 0;
  std::size_t count = 0;
  std::int64_t number = 0;  // from 0, over all epochs
  double lr = 0;
};

struct Trainer::Epoch {
  std::vector<std::int64_t> rows;
  std::size_t usable = 0;
  const TrainerCallbacks& callbacks;
  EpochResult result = {};
  double loss = 0;              // sum over the records seen
  std::size_t done_before = 0;  // by the process that this one resumes
  Clock::time_point start = Clock::now();
  std::deque<Step> pending = {};
  std::optional<UndoableStep> undoable = {};
};

// Adds this process's records of a batch. Mixup blends a record with the one behind it in the whole batch, which may be
// another rank's.
void Trainer::add_places(const Epoch& epoch, std::size_t first, std::size_t count, std::vector<Place>& places) const {
  const OwnRows own = own_rows(count);
  const auto start_of = [&](std::int64_t record) {
    return crop_start(description_.crops(), description_.record_samples(), static_cast<std::uint64_t>(config_.seed),
                      epoch.result.epoch - 1, record);
  };
  for (std::size_t i = own.first; i < own.first + own.count; ++i) {
    const std::int64_t record = epoch.rows[first + i], next = epoch.rows[first + (i + 1) % count];
    places.push_back({.record = record, .start = start_of(record), .next = next, .next_start = start_of(next)});
  }
}

BatchPlan Trainer::plan_of(const Epoch& epoch, const std::vector<Place>& places) const {
  return plan_batches(config_.augmentation, static_cast<std::uint64_t>(config_.seed), epoch.result.epoch - 1,
                      loader_->part_samples(), loader_->leads(), places);
}

Batch Trainer::training_batch(const Epoch& epoch, const Step& step) const {
  const OwnRows own = own_rows(step.count);
  loader_->prefetch(epoch.rows, step.first + step.count + own.first, own.count);
  if (!plans_batches()) return loader_->batch(epoch.rows, step.first + own.first, own.count);
  std::vector<Place> places;
  add_places(epoch, step.first, step.count, places);
  return loader_->planned_batch(plan_of(epoch, places));
}

void Trainer::update_weights(const Step& step, const Tensor& loss) {
  for (optim::Adam* optimizer : {optimizer_.get(), slow_optimizer_.get()}) {
    if (optimizer == nullptr) continue;
    optimizer->set_beta1(beta1_of(step.number));
    optimizer->step(optimizer == optimizer_.get() ? step.lr : config_.init_lr_factor * step.lr, loss);
  }
}

// Only collect_losses() waits for the GPU, for the loss of kStepsAhead steps ago. When the host reads a loss that is
// not finite, later steps are submitted already; the optimizer has skipped them and the failed one.
void Trainer::train_step(Epoch& epoch, const Step& step) {
  if (on_gpus()) meet_before_step(epoch.callbacks);
  if (graph_ == nullptr) return plain_step(epoch, step);
  const OwnRows own = own_rows(step.count);
  epoch.pending.push_back(step);
  graph_->train_step({.first = static_cast<std::int64_t>(own.first),
                      .count = static_cast<std::int64_t>(own.count),
                      .batch = static_cast<std::int64_t>(step.count),
                      .counts = own.counts});
  collect_losses(epoch, kStepsAhead);
}

void Trainer::plain_step(Epoch& epoch, const Step& step) {
  net_->set_dropout_step(random_streams::dropout_key(static_cast<std::uint64_t>(config_.seed)),
                         static_cast<std::uint32_t>(step.number));
  std::optional<CancellableLoops> cancellable;
  if (may_give_up(epoch.callbacks)) cancellable.emplace(epoch.callbacks.give_up);
  const OwnRows own = own_rows(step.count);
  std::optional<BatchPart> part;
  const bool shared = config_.batch_norm == BatchNorm::kSynchronized;
  if (group_.has_others())
    part.emplace(BatchPart::Rows{.first = static_cast<std::int64_t>(own.first),
                                 .batch = static_cast<std::int64_t>(step.count),
                                 .counts = own.counts},
                 shared && !on_gpus() ? &group_ : nullptr, shared ? gpus_ : nullptr);
  const Batch batch = training_batch(epoch, step);
  const Tensor own_loss = ops::weighted_bce(net_->forward(batch.signals, batch.features), batch.labels, pos_weight_);
  // In this order in graphs too (graph_steps.cpp): one rank may have one where another has no memory for it.
  const Tensor loss = on_gpus() ? mean_loss_on_gpus(own_loss, step.count) : own_loss;
  losses_.push(loss);
  epoch.pending.push_back(step);
  collect_losses(epoch, device_ == Device::kCpu ? 0 : kStepsAhead);
  differentiate(own_loss, step.count);
  cancellable.reset();  // Weights change from here on: that is done whole.
  if (config_.clip_norm > 0) optim::clip_gradients(net_->parameters(), config_.clip_norm);
  update_weights(step, loss);
  if (average_ != nullptr) average_->update(step.number);
  net_->clear_gradients();
}

// The GPU's steps are short, and those of several processes end together.
bool Trainer::may_give_up(const TrainerCallbacks& callbacks) const {
  return device_ == Device::kCpu && callbacks.give_up && !group_.has_others();
}

void Trainer::train_step_or_undo(Epoch& epoch, const Step& step) {
  if (!may_give_up(epoch.callbacks)) return train_step(epoch, step);
  if (!epoch.undoable) epoch.undoable.emplace(*net_);
  epoch.undoable->remember();
  const double loss_before = epoch.loss;
  try {
    train_step(epoch, step);
  } catch (const Canceled&) {
    epoch.undoable->undo();
    position_ = {.samples = step.first, .loss = loss_before};
    write_state();
    throw Stopped{};
  }
}

void Trainer::pause(Epoch& epoch, std::size_t samples) {
  const bool stop = group_.has_others() ? stop_agreed_ : epoch.callbacks.stop && epoch.callbacks.stop();
  const bool save = on_gpus() ? save_agreed_ : seconds_since(saved_) >= save_every_s_;
  if (!stop && !save) return;
  collect_losses(epoch, 0);            // A state never holds what a loss that is not finite has left.
  if (on_gpus()) cuda::synchronize();  // A process that ended before would keep the GPUs of the others waiting.
  position_ = {.samples = samples, .loss = epoch.loss};
  write_state();
  if (stop) throw Stopped{};
}

void Trainer::begin_graph_epoch(const Epoch& epoch) {
  if (graph_ == nullptr) return;
  std::vector<kernels::StepRates> rates;
  std::vector<Place> places;
  const auto batch_size = static_cast<std::size_t>(config_.batch_size);
  for (std::size_t first = epoch.done_before; first < epoch.usable; first += batch_size) {
    const std::int64_t step = optimizer_->steps() + static_cast<std::int64_t>(rates.size());
    rates.push_back({.lr = learning_rate(epoch.result.epoch - 1, step), .beta1 = beta1_of(step)});
    if (plans_batches()) add_places(epoch, first, std::min(batch_size, epoch.usable - first), places);
  }
  if (plans_batches())
    graph_->begin_epoch(plan_of(epoch, places), rates);
  else if (on_gpus())
    graph_->begin_epoch(own_order(epoch.rows, epoch.done_before, epoch.usable), 0, rates);
  else
    graph_->begin_epoch(epoch.rows, epoch.done_before, rates);
}

void Trainer::collect_losses(Epoch& epoch, int ahead) {
  if (graph_ != nullptr)
    for (const float loss : graph_->losses(/*all=*/ahead == 0)) take_loss(epoch, static_cast<double>(loss));
  while (losses_.size() > ahead) take_loss(epoch, static_cast<double>(losses_.pop()));
}

// Of the oldest pending step.
void Trainer::take_loss(Epoch& epoch, double own) {
  const Step step = epoch.pending.front();
  epoch.pending.pop_front();
  const double value = group_.has_others() && !on_gpus() ? mean_loss(own, step.count, epoch.callbacks) : own;
  if (!std::isfinite(value)) {
    net_->set_dropout_step(random_streams::dropout_key(static_cast<std::uint64_t>(config_.seed)),
                           static_cast<std::uint32_t>(step.number));
    const Batch batch = training_batch(epoch, step);
    stop_not_finite(fmt::format("loss of step {}", step.number + 1), value, step.lr,
                    group_.has_others() ? first_not_finite_of_all(own, batch) : first_not_finite(batch));
  }
  epoch.loss += value * static_cast<double>(step.count);
  const std::size_t seen = step.first + step.count;
  EpochResult& result = epoch.result;
  result.lr = step.lr;
  result.train_loss = epoch.loss / static_cast<double>(seen);
  result.samples_per_s = static_cast<double>(seen - epoch.done_before) / seconds_since(epoch.start);
  if (epoch.callbacks.on_step)
    epoch.callbacks.on_step({.epoch = result.epoch,
                             .epochs = config_.epochs,
                             .samples = static_cast<std::int64_t>(seen),
                             .samples_per_epoch = static_cast<std::int64_t>(epoch.usable),
                             .loss = result.train_loss,
                             .samples_per_s = result.samples_per_s});
}

EpochResult Trainer::train_epoch(std::int64_t epoch_index, const TrainerCallbacks& callbacks) {
  Epoch epoch = {.rows = train_rows_, .usable = records_per_epoch(), .callbacks = callbacks};
  PhiloxStream random(static_cast<std::uint64_t>(config_.seed), random_streams::shuffle(epoch_index));
  random.shuffle(epoch.rows);
  epoch.result.epoch = epoch_index + 1;
  while (losses_.size() > 0) losses_.pop();  // of an epoch that an exception ended
  epoch.loss = position_.loss;
  epoch.done_before = std::min(position_.samples, epoch.usable);
  net_->set_training(true);
  begin_graph_epoch(epoch);
  const auto batch_size = static_cast<std::size_t>(config_.batch_size);
  for (std::size_t first = epoch.done_before; first < epoch.usable; first += batch_size) {
    const std::size_t count = std::min(batch_size, epoch.usable - first);
    if (count == 1) break;  // Batch norm cannot; only where a resumed epoch goes on with another batch size.
    train_step_or_undo(epoch, {.first = first,
                               .count = count,
                               .number = optimizer_->steps(),
                               .lr = learning_rate(epoch_index, optimizer_->steps())});
    pause(epoch, first + count);
  }
  if (on_gpus()) {
    cuda::let_run();
    group_.meet("end of an epoch");
  }
  collect_losses(epoch, 0);
  position_ = {.samples = epoch.usable, .loss = epoch.loss};
  if (epoch.done_before + 1 >= epoch.usable) {  // Its training was done, not its validation.
    epoch.result.lr = learning_rate(epoch_index, optimizer_->steps() - 1);
    epoch.result.train_loss = epoch.loss / static_cast<double>(epoch.usable);
  }
  return epoch.result;
}

void Trainer::validate(EpochResult& result, const TrainerCallbacks& callbacks) {
  const auto expect_no_stop = [&] {
    if (callbacks.stop && callbacks.stop()) throw Canceled();
  };
  std::optional<CancellableLoops> cancellable;
  if (may_give_up(callbacks)) cancellable.emplace(callbacks.give_up);
  const std::int64_t batches = batches_of(*loader_, val_rows_.size(), config_.batch_size);
  Scores scored;
  try {
    const optim::AveragedWeights averaged(average_.get());
    if (group_.has_others())
      scored = score_together(expect_no_stop);
    else if (graph_ != nullptr)
      scored = join_batches(*loader_, val_rows_.size(),
                            graph_->score_batches(val_rows_, config_.batch_size, 0, batches, expect_no_stop));
    else
      scored = score(*net_, *loader_, val_rows_, config_.batch_size, pos_weight_, expect_no_stop);
  } catch (const Canceled&) {
    write_state();
    throw Stopped{};
  }
  cancellable.reset();
  if (!std::isfinite(scored.loss)) {
    const optim::AveragedWeights averaged(average_.get());
    std::string culprit;
    const auto batch_size = static_cast<std::size_t>(config_.batch_size);
    for (std::size_t first = 0; first < val_rows_.size() && culprit.empty(); first += batch_size)
      culprit = first_not_finite(loader_->batch(val_rows_, first, std::min(batch_size, val_rows_.size() - first)));
    stop_not_finite(fmt::format("validation loss after step {}", optimizer_->steps()), scored.loss, result.lr, culprit);
  }
  const std::vector<std::uint8_t> labels = labels_of(set_, val_rows_);
  const evaluation::Predictions predictions = {.scores = scored.probabilities,
                                               .labels = labels,
                                               .records = static_cast<std::int64_t>(val_rows_.size()),
                                               .classes = description_.architecture.shape().classes,
                                               .names = description_.class_names};
  result.val_loss = scored.loss;
  result.val_macro_auc = evaluation::macro_auc(predictions).value;
  result.auc = evaluation::class_aucs(predictions);
  if (config_.thresholds == Thresholds::kTuned) {
    const std::vector<evaluation::ClassThreshold> tuned = evaluation::tune_thresholds(predictions);
    if (log_.empty()) evaluation::warn_of_untuned(tuned, predictions);  // The labels stay: once a run is enough.
    description_.thresholds = evaluation::threshold_values(tuned);
  }
  result.best = is_best(result.val_macro_auc, log_);
}

bool Trainer::run(const TrainerCallbacks& callbacks, double save_every_s) {
  const MatmulPrecision precision(config_.precision);
  save_every_s_ = save_every_s;
  if (optimizer_->steps() == 0) write_state();
  saved_ = Clock::now();
  while (epochs_done() < config_.epochs) {
    EpochResult result;
    try {
      const Clock::time_point start = Clock::now();
      result = train_epoch(epochs_done(), callbacks);
      validate(result, callbacks);
      result.seconds = seconds_since(start);
      result.finished = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
    } catch (const OutOfMemory& error) {
      if (device_ == Device::kCpu) throw;
      stop_out_of_memory(error);
    } catch (const Stopped&) {
      return false;
    }
    save(result);
    if (callbacks.on_epoch) callbacks.on_epoch(result);
  }
  return true;
}

void Trainer::save_models(const EpochResult& result) {
  const optim::AveragedWeights averaged(average_.get());
  save_as("last.safetensors");
  if (result.best || config_.keep == Keep::kLast) save_as("best.safetensors");
}

void Trainer::save(const EpochResult& result) {
  description_.epoch = result.epoch;
  if (group_.has_others()) expect_equal_weights();
  if (group_.is_first()) save_models(result);
  log_.push_back(result);
  position_ = {};
  write_log();
  write_state();
}

}  // namespace cardiograd::model
