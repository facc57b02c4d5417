// What a device cannot do of a configuration, and what it does in its own way.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/log.h"
#include "base/random_streams.h"
#include "engine/memory.h"
#include "model/step_memory.h"
#include "model/trainer.h"

namespace cardiograd::model {

std::string why_no_graph(const TrainingConfig& config) {
  const std::pair<bool, const char*> reasons[] = {{config.init_lr_factor != 1, "--init-lr-factor"},
                                                  {config.device == DeviceChoice::kCheck, "--device check"}};
  for (const auto& [is_so, name] : reasons)
    if (is_so) return name;
  return "";
}

void check_for_device(const TrainingConfig& config, Device device) {
  if (config.auto_batch_size && device == Device::kCpu)
    throw UsageError("--batch-size auto on the CPU, whose memory is not planned",
                     "Give a number, or use --device cuda.");
  if (config.graph != GraphChoice::kOn) return;
  if (device == Device::kCpu)
    throw UsageError("--graph on: the CPU has no graphs", "Use --device cuda, or leave --graph out.");
  if (const std::string why = why_no_graph(config); !why.empty())
    throw UsageError(fmt::format("--graph on with {}: its steps run kernel by kernel", why), "Leave one of them out.");
}

// Of an epoch, a row for each record, or of the validation, one for each window.
std::int64_t Trainer::most_places() const {
  const std::size_t windows = crop_windows(loader_->crops(), loader_->samples()).size();
  return static_cast<std::int64_t>(std::max(train_rows_.size(), windows * val_rows_.size()));
}

void Trainer::choose_batch_size() {
  const auto build = [this] { return description_.architecture.build(0); };
  const std::size_t memory = cuda_memory_for_tensors();
  // Steps that are not a graph yet, or never, take blocks that are rounded up by an eighth at most.
  std::size_t taken = kWorkingMemory + bytes_beside_plan(*loader_, plans_batches(), most_places());
  for (const nn::NamedTensor& named : net_->named_tensors())
    if (config_.weight_average > 0) taken += named.tensor->byte_count();
  const std::size_t bytes = memory > taken ? (memory - taken) / 9 * 8 : 0;
  config_.batch_size = largest_batch(build, loader_->labels().dim(0), config_.clip_norm > 0, bytes,
                                     static_cast<std::int64_t>(train_rows_.size()));
  if (config_.batch_size == 0)
    throw OutOfMemory(fmt::format("--batch-size auto: not even two records fit into {}", memory_text(bytes)),
                      "Use shorter records, a smaller model or another GPU.");
  for (auto& [name, text] : run_source_.values)  // The state must say what the configuration will say.
    if (name == "training.batch_size") text = fmt::format("{}", config_.batch_size);
  log_info("batch size {}: the largest whose step fits into {}", config_.batch_size, memory_text(bytes));
}

void Trainer::make_graph_steps() {
  const bool possible = device_ == Device::kCuda && why_no_graph(config_).empty() && slow_optimizer_ == nullptr;
  if (config_.graph == GraphChoice::kOff || !possible) return;
  if (!loader_->resident()) {
    if (config_.graph == GraphChoice::kAuto) return;
    throw Error("--graph on: the GPU's memory does not hold the signals of all records",
                "Leave --graph out: steps then run kernel by kernel.");
  }
  graph_ = std::make_unique<GraphSteps>(
      GraphSteps::Parts{.net = *net_,
                        .optimizer = *optimizer_,
                        .loader = *loader_,
                        .pos_weight = pos_weight_,
                        .clip_norm = config_.clip_norm,
                        .average = average_.get(),
                        .dropout_key = random_streams::dropout_key(static_cast<std::uint64_t>(config_.seed)),
                        .planned = plans_batches(),
                        .places = most_places(),
                        .label_smoothing = config_.augmentation.label_smoothing,
                        .gpus = gpus_,
                        .gradients = gradients_.get(),
                        .shared_statistics = config_.batch_norm == BatchNorm::kSynchronized});
}

}  // namespace cardiograd::model
