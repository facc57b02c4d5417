// What a Trainer says when training cannot go on.
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/autograd.h"
#include "model/max_batch_size.h"
#include "model/trainer.h"

namespace cardiograd::model {

std::string Trainer::first_not_finite(const Batch& batch) {
  try {
    if (!all_finite(batch.signals)) return "the batch of signals has values that are not finite";
    if (batch.features.defined() && !all_finite(batch.features))
      return "the batch of features has values that are not finite";
    // Not the running statistics: the step that failed has spoilt them after something else went wrong.
    for (const nn::NamedTensor& named : net_->parameters())
      if (!all_finite(*named.tensor)) return fmt::format("the parameter {} is not finite", named.name);
    if (batch.signals.dim(0) < 2) return "";  // A batch norm cannot, of a part of a batch.
    const NoGrad no_grad;
    const FiniteCheck check;
    net_->forward(batch.signals, batch.features);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void Trainer::stop_not_finite(const std::string& which, double loss, double lr, const std::string& culprit) const {
  throw Error(fmt::format("training stopped: the {} is {} at learning rate {}; first: {}", which, std::abs(loss), lr,
                          culprit.empty() ? "the loss itself" : culprit),
              "Lower --lr, or set training.clip_norm in the configuration, and go on from the last state with --resume "
              "--allow-changes.");
}

void Trainer::stop_out_of_memory(const OutOfMemory& error) {
  graph_ = nullptr;  // Its memory is needed.
  const std::int64_t fitting = max_batch_size(*net_, *loader_, train_rows_, pos_weight_, config_.batch_size);
  throw OutOfMemory(fmt::format("{}; training at batch size {}", error.what(), config_.batch_size),
                    fitting > 0 ? fmt::format("A --batch-size of {} would fit.", fitting)
                                : "Not even two records fit: use shorter records, a smaller model or another GPU.");
}

}  // namespace cardiograd::model
