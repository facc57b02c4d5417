// Adam and AdamW with PyTorch's formulas (Kingma and Ba 2015; Loshchilov and Hutter 2019).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/nn/module.h"
#include "engine/tensor.h"
#include "kernels/adam/adam.h"

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
  // The tensors that `parameters` point to must outlive the optimizer and stay on one device. Their gradients lie side
  // by side from then on (gradient_slab.h).
  Adam(std::vector<nn::NamedTensor> parameters, const AdamOptions& options = {});
  ~Adam();
  Adam(const Adam&) = delete;
  Adam& operator=(const Adam&) = delete;

  // One step with the gradients that backward() left; parameters without a gradient stay as they are. When `loss`, one
  // value on the parameters' device, is given and not finite, this step and all later ones change nothing: the host
  // may learn of it when it has already asked for more steps. An observer is notified of one adam_forward over all
  // parameters that have a gradient, in the layer "adam". Throws Error when a parameter and its gradient are on
  // different devices.
  void step(double learning_rate, const Tensor& loss = {});
  // The same on the GPU, with the rates that lie at `rates` in its memory when the step runs: nothing that changes from
  // step to step comes from the host, so that a graph can record it. It ends a batch, too: what the step
  // launches later finds *end.progress at the next step. The first of some such steps comes behind prepare_at() with
  // its beta1.
  void step_at(const kernels::StepRates* rates, const Tensor& loss, const kernels::BatchEnd& end);
  void prepare_at(double beta1);
  // Of the steps from now on, but for those of step_at().
  void set_beta1(double beta1);
  // A graph has repeated a step: counts it.
  void count_step() { ++steps_; }

  // Steps asked for.
  std::int64_t steps() const { return steps_; }
  // The state that a resumed run needs: moments "<parameter>.m" and "<parameter>.v" to read or overwrite, and the
  // count.
  std::vector<nn::NamedTensor> state();
  // Goes on after `steps` steps.
  void set_steps(std::int64_t steps);

 private:
  struct Moments {
    Tensor m;
    Tensor v;
  };
  class OnCuda;

  // The step that begins, of all parameters that have a gradient.
  kernels::AdamShape begin_step(double learning_rate);
  void step_on_cpu(const kernels::AdamShape& all);
  // The step on the GPU, and again on the CPU (device_check.h).
  void step_checked(const kernels::AdamShape& all, const Tensor& loss);

  std::vector<nn::NamedTensor> parameters_;
  std::vector<Moments> moments_;
  AdamOptions options_;
  std::int64_t steps_ = 0;
  bool stopped_ = false;
  std::unique_ptr<OnCuda> on_cuda_;
};

}  // namespace cardiograd::optim
