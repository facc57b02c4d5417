// What a Trainer writes beside the models, and reads when it resumes: log.csv and state.safetensors.
#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "data/csv.h"
#include "engine/io/safetensors.h"
#include "model/model_file.h"
#include "model/trainer.h"

namespace cardiograd::model {
namespace {

constexpr const char* kStateKey = "cardiograd_state";

}  // namespace

void Trainer::write_log() const {
  if (!group_.is_first()) return;
  std::string text = "epoch,train_loss,val_loss,val_macro_auc,lr,samples_per_s,seconds,finished";
  for (const std::string& name : description_.class_names) text += "," + data::csv_cell("auc_" + name);
  text += "\n";
  for (const EpochResult& r : log_) {
    text += fmt::format("{},{:.6f},{:.6f},{:.6f},{:.6g},{:.1f},{:.1f},{}", r.epoch, r.train_loss, r.val_loss,
                        r.val_macro_auc, r.lr, r.samples_per_s, r.seconds, r.finished);
    for (std::size_t c = 0; c < description_.class_names.size(); ++c)
      text += c < r.auc.size() ? fmt::format(",{:.6f}", r.auc[c]) : ",nan";
    text += "\n";
  }
  write_file(folder_ / "log.csv", text);
}

void Trainer::save_as(const std::string& name) {
  save_model(folder_ / name, description_, *net_);
  models_[name] = to_string(content_hash(read_file(folder_ / name)));
}

void Trainer::write_state() {
  saved_ = std::chrono::steady_clock::now();
  if (!group_.is_first()) return;
  SafetensorsFile state;
  store_tensors(net_->named_tensors(), "model.", state);
  store_tensors(optimizer_->state(), "adam.", state);
  if (slow_optimizer_ != nullptr) store_tensors(slow_optimizer_->state(), "adam.", state);
  if (average_ != nullptr) store_tensors(average_->state(), "average.", state);
  state.metadata[kStateKey] = training_state_text(
      {.steps = optimizer_->steps(), .log = log_, .position = position_, .models = models_}, run_source_);
  write_safetensors(folder_ / "state.safetensors", state);
  saved_ = std::chrono::steady_clock::now();
}

// best.safetensors is written anew only when a model is better: a lost one would not come back, and another's would
// pass for this run's.
void Trainer::check_models(const TrainingProgress& progress) const {
  for (const auto& [name, hash] : progress.models) {
    const std::filesystem::path path = folder_ / name;
    const char* const kRestore = "Restore it, or start another run with another --out; nothing was changed.";
    if (!path_exists(path)) throw Error(fmt::format("{}: missing, and the run has saved it", path.string()), kRestore);
    if (to_string(content_hash(read_file(path))) == hash) continue;
    // The run may have ended between this file and its state: then that epoch is still to come, and writes it again.
    const std::int64_t epoch = load_model(path).description.epoch;
    const auto done = static_cast<std::int64_t>(progress.log.size());
    if (epoch != done + 1 || done >= config_.epochs)
      throw Error(fmt::format("{}: not the model that this run has saved: found one of epoch {} with other content",
                              path.string(), epoch),
                  kRestore);
  }
}

// Rank 0 reads, for all: the folder need not be there elsewhere, and all go on from the same state.
bool Trainer::resume(bool allow_changes) {
  const std::filesystem::path path = folder_ / "state.safetensors";
  const bool there = group_.is_first() && path_exists(path);
  for (const char* name : {"last.safetensors", "best.safetensors", "log.csv"})
    if (group_.is_first() && !there && path_exists(folder_ / name))
      throw Error(fmt::format("{}: missing, but {} of a run is there", path.string(), name),
                  "Restore it, or start another run with another --out; nothing was changed.");
  if (group_.gather("whether there is a state", {there ? 1.0 : 0.0}).front() == 0) return false;
  const std::string content = group_.text_of_first("the state", there ? read_file(path) : "");
  const SafetensorsFile state = parse_safetensors(content, path);
  const auto metadata = state.metadata.find(kStateKey);
  if (metadata == state.metadata.end())
    throw Error(fmt::format("{}: no training state: the metadata '{}' is missing", path.string(), kStateKey),
                "Start the run anew in another folder.");
  TrainingProgress progress = parse_training_state(metadata->second, path.string(), run_source_, allow_changes);
  restore_tensors(state, "model.", path.string(), net_->named_tensors());
  for (optim::Adam* optimizer : {optimizer_.get(), slow_optimizer_.get()}) {
    if (optimizer == nullptr) continue;
    restore_tensors(state, "adam.", path.string(), optimizer->state());
    optimizer->set_steps(progress.steps);
  }
  const auto is_average = [](const auto& named) { return named.first.starts_with("average."); };
  if (average_ != nullptr && std::any_of(state.tensors.begin(), state.tensors.end(), is_average))
    restore_tensors(state, "average.", path.string(), average_->state());
  else if (average_ != nullptr)
    average_->restart();  // The run did without so far.
  if (group_.is_first()) check_models(progress);
  models_ = std::move(progress.models);
  log_ = std::move(progress.log);
  position_ = progress.position;
  if (!log_.empty()) write_log();
  return true;
}

}  // namespace cardiograd::model
