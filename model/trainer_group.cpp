// What a Trainer does as one of several processes: its part of each batch, and what all must agree on.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/cancellation.h"
#include "base/error.h"
#include "base/hash.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"
#include "engine/cuda.h"
#include "engine/ops/ops.h"
#include "engine/transfer.h"
#include "model/trainer.h"

namespace cardiograd::model {
namespace {

constexpr std::size_t kLocalRows = 2;  // that batch norm needs of each process

template <class Value>
std::string as_bytes(const std::vector<Value>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(Value)};
}

// The values of all ranks one after the other.
template <class Value>
std::vector<Value> joined(const std::vector<std::string>& texts) {
  std::vector<Value> values;
  for (const std::string& text : texts) {
    const std::size_t before = values.size();
    values.resize(before + text.size() / sizeof(Value));
    if (!text.empty()) std::memcpy(values.data() + before, text.data(), text.size());
  }
  return values;
}

// Where they are: graphs know the place.
void set_values(Tensor& tensor, const std::vector<float>& values) {
  const std::size_t bytes = values.size() * sizeof(float);
  if (tensor.device() == Device::kCuda)
    upload(reinterpret_cast<std::byte*>(tensor.address()), values.data(), bytes);
  else
    std::memcpy(tensor.data(), values.data(), bytes);
}

[[noreturn]] void refuse_few_rows(std::size_t batch, int processes) {
  throw UsageError(fmt::format("training.batch_norm local: a batch of {} records on {} processes leaves one with fewer "
                               "than {}",
                               batch, processes, kLocalRows),
                   "Use a larger --batch-size, fewer processes, training.drop_last, or batch_norm synchronized.");
}

}  // namespace

void check_for_processes(const TrainingConfig& config, int processes, Device device) {
  if (processes == 1) return;
  if (config.device == DeviceChoice::kCheck)
    throw UsageError(fmt::format("--device check on {} processes: it compares the steps of one", processes),
                     "Use --device cuda, or one process.");
  if (config.auto_batch_size && device == Device::kCuda)
    throw UsageError(fmt::format("--batch-size auto on {} processes, whose GPUs may have different memory", processes),
                     "Give the size of the whole batch.");
  const auto batch = static_cast<std::size_t>(config.batch_size);
  const auto ranks = static_cast<std::size_t>(processes);
  if (batch < ranks)
    throw UsageError(fmt::format("--batch-size {} on {} processes: it is the size of the whole batch", batch, ranks),
                     "Use at least one record for each process.");
  if (config.batch_norm == BatchNorm::kLocal && batch / ranks < kLocalRows) refuse_few_rows(batch, processes);
}

void Trainer::check_group() const {
  check_for_processes(config_, group_.size(), device_);
  if (device_ == Device::kCuda && !on_gpus())
    throw Error(fmt::format("{} processes on the GPU without a group of their GPUs", group_.size()),
                "Give the trainer what join_gpus() returns.");
  if (config_.batch_norm == BatchNorm::kSynchronized) return;
  const std::size_t rest = records_per_epoch() % static_cast<std::size_t>(config_.batch_size);
  if (rest > 0 && rest / static_cast<std::size_t>(group_.size()) < kLocalRows) refuse_few_rows(rest, group_.size());
}

void Trainer::expect_equal_data() {
  std::string own;
  for (const auto& [part, hash] : run_source_.data) own += fmt::format("{} {}\n", part, hash);
  const std::vector<std::string> all = group_.gather_texts("hashes of the data", own);
  for (std::size_t r = 1; r < all.size(); ++r)
    if (all[r] != all[0])
      throw Error(fmt::format("rank {} has read other data than rank 0", r),
                  "Give all processes the same files, and the same version of cardiograd.");
}

void Trainer::expect_equal_weights() {
  Hasher hasher;
  for (const nn::NamedTensor& named : net_->parameters()) {
    const Tensor values = named.tensor->to(Device::kCpu);
    hasher.update(values.bytes(), values.byte_count());
  }
  const std::vector<std::string> all = group_.gather_texts("hashes of the weights", to_string(hasher.digest()));
  for (std::size_t r = 1; r < all.size(); ++r)
    if (all[r] != all[0])
      throw Error(fmt::format("rank {} has other weights than rank 0 after epoch {}", r, description_.epoch),
                  "Their processors compute differently: set CARDIOGRAD_ISA=avx2 for all of them.");
}

Trainer::OwnRows Trainer::own_rows(std::size_t batch) const {
  const auto size = static_cast<std::size_t>(group_.size());
  if (size > 1 && config_.batch_norm == BatchNorm::kLocal && batch / size < kLocalRows)
    refuse_few_rows(batch, group_.size());
  const RankPart part = part_of_rank(static_cast<std::int64_t>(batch), group_.rank(), group_.size());
  if (part.count() == 0) return {.first = 0, .count = 1, .counts = false};
  return {.first = static_cast<std::size_t>(part.first), .count = static_cast<std::size_t>(part.count())};
}

// Over the records of the whole batch. Also learns whether any rank was asked to stop.
double Trainer::mean_loss(double own, std::size_t batch, const TrainerCallbacks& callbacks) {
  const OwnRows rows = own_rows(batch);
  const double weight = rows.counts ? static_cast<double>(rows.count) / static_cast<double>(batch) : 0;
  const bool stop = callbacks.stop && callbacks.stop();
  const std::vector<double> all = group_.gather("loss of a step", {own, weight, stop ? 1.0 : 0.0});
  double mean = 0;
  stop_agreed_ = false;
  for (std::size_t at = 0; at < all.size(); at += 3) {
    if (all[at + 1] > 0) mean += all[at] * all[at + 1];
    stop_agreed_ = stop_agreed_ || all[at + 2] != 0;
  }
  return mean;
}

// Of the mean loss over the whole batch.
void Trainer::differentiate(const Tensor& own_loss, std::size_t batch) {
  if (!group_.has_others()) return backward(own_loss);
  if (on_gpus()) return gradients_->backward(own_loss, weights_on_gpu(batch).part(group_.rank(), {1}));
  const OwnRows own = own_rows(batch);
  const double fraction = own.counts ? static_cast<double>(own.count) / static_cast<double>(batch) : 0;
  gradients_->backward(own_loss, Tensor::full({1}, static_cast<float>(fraction)));
}

const Tensor& Trainer::weights_on_gpu(std::size_t batch) {
  if (loss_weights_batch_ != batch)
    loss_weights_ = loss_weights(static_cast<std::int64_t>(batch), group_.size()).to(Device::kCuda);
  loss_weights_batch_ = batch;
  return loss_weights_;
}

Tensor Trainer::mean_loss_on_gpus(const Tensor& own, std::size_t batch) {
  return gpus_->weighted_sum(own.detach(), weights_on_gpu(batch));
}

void Trainer::meet_before_step(const TrainerCallbacks& callbacks) {
  cuda::let_run();
  const bool stop = callbacks.stop && callbacks.stop();
  const std::chrono::duration<double> since_saved = std::chrono::steady_clock::now() - saved_;
  const bool save = group_.is_first() && since_saved.count() >= save_every_s_;
  stop_agreed_ = save_agreed_ = false;
  const std::vector<double> all = group_.gather("start of a step", {stop ? 1.0 : 0.0, save ? 1.0 : 0.0});
  for (std::size_t at = 0; at < all.size(); at += 2) {
    stop_agreed_ = stop_agreed_ || all[at] != 0;
    save_agreed_ = save_agreed_ || all[at + 1] != 0;
  }
}

std::vector<std::int64_t> Trainer::own_order(const std::vector<std::int64_t>& rows, std::size_t first,
                                             std::size_t end) const {
  std::vector<std::int64_t> order;
  const auto batch_size = static_cast<std::size_t>(config_.batch_size);
  for (; first < end; first += batch_size) {
    const OwnRows own = own_rows(std::min(batch_size, end - first));
    const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(first + own.first);
    order.insert(order.end(), begin, begin + static_cast<std::ptrdiff_t>(own.count));
  }
  return order;
}

// The batches of the validation divided among the ranks: each is computed as one process computes it, so the scores are
// the same bits.
Scores Trainer::score_together(const std::function<void()>& between) {
  cuda::let_run();
  for (const nn::NamedTensor& named : net_->named_tensors()) {
    if (named.is_parameter || config_.batch_norm != BatchNorm::kLocal) continue;
    std::vector<float> values = named.tensor->values();
    group_.take_from_first("running statistics", values.data(), named.tensor->count());
    set_values(*named.tensor, values);
  }
  const RankPart part =
      part_of_rank(batches_of(*loader_, val_rows_.size(), config_.batch_size), group_.rank(), group_.size());
  BatchScores own;
  bool canceled = false;
  try {
    own = graph_ != nullptr ? graph_->score_batches(val_rows_, config_.batch_size, part.first, part.end, between)
                            : score_batches(*net_, *loader_, val_rows_, config_.batch_size, pos_weight_, part.first,
                                            part.end, between);
  } catch (const Canceled&) {
    canceled = true;
  }
  for (const double one : group_.gather("end of the validation", {canceled ? 1.0 : 0.0}))
    if (one != 0) throw Canceled();
  return join_batches(*loader_, val_rows_.size(),
                      {.logits = joined<float>(group_.gather_texts("answers", as_bytes(own.logits))),
                       .losses = joined<double>(group_.gather_texts("losses", as_bytes(own.losses)))});
}

double Trainer::loss_of(const Batch& batch) {
  if (batch.signals.dim(0) < 2) return 0;  // A batch norm cannot, of a part of a batch.
  const NoGrad no_grad;
  return ops::weighted_bce(net_->forward(batch.signals, batch.features), batch.labels, pos_weight_).values()[0];
}

// Each rank looks for itself, with batch norm over its own rows: it may find something before the others do.
std::string Trainer::first_not_finite_of_all(double own_loss, const Batch& own) {
  std::string found;
  {
    const BatchPart* part = BatchPart::current();
    const BatchPart alone(part == nullptr ? BatchPart::Rows{} : part->rows(), nullptr);
    found = first_not_finite(own);
    if (on_gpus()) own_loss = loss_of(own);  // The given one is the mean over all.
  }
  const std::vector<std::string> all = group_.gather_texts("what is not finite", found);
  const std::vector<double> losses = group_.gather("losses", {own_loss});
  for (std::size_t r = 0; r < all.size(); ++r)
    if (!all[r].empty()) return fmt::format("rank {}: {}", r, all[r]);
  for (std::size_t r = 0; r < all.size(); ++r)
    if (!std::isfinite(losses[r])) return fmt::format("rank {}: the loss of its records", r);
  return "";
}

}  // namespace cardiograd::model
