#include "model/undoable_step.h"

#include <algorithm>

namespace cardiograd::model {

UndoableStep::UndoableStep(nn::Module& net) : net_(net) {
  for (const nn::NamedTensor& named : net.named_tensors())
    if (!named.is_parameter) buffers_.emplace_back(named.tensor, named.tensor->values());
}

void UndoableStep::remember() {
  for (auto& [tensor, values] : buffers_) values = tensor->values();
}

void UndoableStep::undo() {
  for (const auto& [tensor, values] : buffers_) std::copy(values.begin(), values.end(), tensor->data());
  net_.clear_gradients();
}

}  // namespace cardiograd::model
