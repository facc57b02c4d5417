// Adam and AdamW with PyTorch's formulas (Kingma and Ba 2015; Loshchilov and Hutter 2019).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/nn/module.h"
#include "engine/tensor.h"

namespace cardiograd::optim {

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW: the decay shrinks the weight itself instead of joining the gradient
};

class Adam {
 public:
  // `parameters` must outlive the optimiser.
  Adam(std::vector<nn::NamedTensor> parameters, const AdamOptions& options = {});

  // One step with the gradients that backward() left; parameters without a gradient stay as they are.
  void step(double learning_rate);

  std::int64_t steps() const { return steps_; }
  // The state that a resumed run needs: moments "<parameter>.m" and "<parameter>.v" to read or overwrite, and the
  // count.
  std::vector<nn::NamedTensor> state();
  void set_steps(std::int64_t steps) { steps_ = steps; }

 private:
  struct Moments {
    Tensor m;
    Tensor v;
  };
  std::vector<nn::NamedTensor> parameters_;
  std::vector<Moments> moments_;
  AdamOptions options_;
  std::int64_t steps_ = 0;
};

// The Euclidean norm of all gradients together; gradients are scaled down to `largest` when it is more, as PyTorch's
// clip_grad_norm_ does. Returns the norm before.
double clip_gradients(const std::vector<nn::NamedTensor>& parameters, double largest);

}  // namespace cardiograd::optim
