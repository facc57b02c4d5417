// The moving average of a model's weights over its training steps.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/nn/module.h"
#include "engine/tensor.h"

namespace cardiograd::optim {

class WeightAverage {
 public:
  // Of `tensors`, weights and statistics, which outlive this and stay on one device; begins at what they are. 0 < decay
  // < 1 (kernels/weight_average/weight_average.h).
  WeightAverage(std::vector<nn::NamedTensor> tensors, double decay);

  // Begins anew at what the tensors are now.
  void restart();
  // Behind training step `step` (from 0).
  void update(std::int64_t step);
  // The same on the GPU, with the number of steps done that lies at `steps_done` in its memory when it runs: for
  // graphs.
  void update_at(const std::uint32_t* steps_done);

  // Exchanges the tensors' values with the averages: twice, and everything is as before.
  void swap();
  // The averages under the names of the tensors, to read or overwrite.
  std::vector<nn::NamedTensor> state();

 private:
  void collect();

  std::vector<nn::NamedTensor> tensors_;
  std::vector<Tensor> averages_;
  double decay_;
  Tensor spare_;  // as large as the largest
  Tensor table_;  // kernels::AverageSlice on the GPU, as bytes; where the tensors are elsewhere undefined
  std::int64_t blocks_ = 0;
};

// The averages in the place of the tensors while this is there; `average` may be null.
class AveragedWeights {
 public:
  explicit AveragedWeights(WeightAverage* average) : average_(average) {
    if (average_ != nullptr) average_->swap();
  }
  ~AveragedWeights();
  AveragedWeights(const AveragedWeights&) = delete;
  AveragedWeights& operator=(const AveragedWeights&) = delete;

 private:
  WeightAverage* average_;
};

}  // namespace cardiograd::optim
