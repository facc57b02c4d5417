// Learning rates as functions of time, equal to PyTorch's schedulers.
#pragma once

#include <cstdint>

namespace cardiograd::optim {

// CosineAnnealingLR stepped once per epoch (Loshchilov and Hutter 2017, eq. 5): the rate of `epoch` (from 0) of
// `epochs`, falling from `first` to `last`.
double cosine_annealing(double first, std::int64_t epoch, std::int64_t epochs, double last = 0);

struct OneCycleOptions {
  double warm_up = 0.3;        // fraction of the steps in which the rate rises
  double start_divisor = 25;   // first rate = max_lr / start_divisor
  double final_divisor = 1e4;  // last rate = first rate / final_divisor
};

// OneCycleLR with cosine phases (Smith and Topin 2018): the rate of `step` (from 0) of `steps`, up to `max_lr` and down
// again.
double one_cycle(double max_lr, std::int64_t step, std::int64_t steps, const OneCycleOptions& options = {});

// OneCycleLR's cycle_momentum: Adam's beta1 at `step`, from 0.95 down to 0.85 while the rate rises, and back.
double one_cycle_beta1(std::int64_t step, std::int64_t steps, const OneCycleOptions& options = {});

}  // namespace cardiograd::optim
