// A training step on the CPU that may be left in the middle of its forward or backward pass.
#pragma once

#include <utility>
#include <vector>

#include "engine/nn/module.h"
#include "engine/tensor.h"

namespace cardiograd::model {

// What the two passes change in a model: buffers (running statistics) and gradients. Weights change behind them.
class UndoableStep {
 public:
  explicit UndoableStep(nn::Module& net);
  // Before the step.
  void remember();
  // The buffers as they were, and no gradients.
  void undo();

 private:
  nn::Module& net_;
  std::vector<std::pair<Tensor*, std::vector<float>>> buffers_;
};

}  // namespace cardiograd::model
