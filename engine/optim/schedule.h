// Learning rates as functions of time, equal to PyTorch's schedulers.
#pragma once

#include <cstdint>

namespace cardiograd::optim {

// CosineAnnealingLR stepped once per epoch: the rate of `epoch` (from 0) of `epochs`, falling from `first` to `last`.
double cosine_annealing(double first, std::int64_t epoch, std::int64_t epochs, double last = 0);

struct OneCycleOptions {
  double warm_up = 0.3;        // share of the steps that rise
  double start_divisor = 25;   // first rate = largest / start_divisor
  double final_divisor = 1e4;  // last rate = first rate / final_divisor
};

// OneCycleLR with cosine phases: the rate of `step` (from 0) of `steps`, up to `largest` and down again.
double one_cycle(double largest, std::int64_t step, std::int64_t steps, const OneCycleOptions& options = {});

}  // namespace cardiograd::optim
