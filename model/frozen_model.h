// A model that answers and does not learn, for whoever asks for gradients of its inputs.
#pragma once

#include <vector>

#include "model/model.h"

namespace cardiograd::model {

// Evaluation mode, and no gradients of the weights, while it lives.
class FrozenModel {
 public:
  explicit FrozenModel(Model& net) : net_(net), was_training_(net.training()) {
    net.set_training(false);
    for (const nn::NamedTensor& parameter : net.parameters()) {
      if (!parameter.tensor->requires_grad()) continue;
      parameter.tensor->set_requires_grad(false);
      frozen_.push_back(parameter.tensor);
    }
  }
  ~FrozenModel() {
    net_.set_training(was_training_);
    for (Tensor* parameter : frozen_) parameter->set_requires_grad(true);
  }
  FrozenModel(const FrozenModel&) = delete;
  FrozenModel& operator=(const FrozenModel&) = delete;

 private:
  Model& net_;
  bool was_training_;
  std::vector<Tensor*> frozen_;
};

}  // namespace cardiograd::model
