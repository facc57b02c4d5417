// An LSTM of several layers, in one or both directions.
#pragma once

#include <cstdint>
#include <deque>

#include "engine/nn/layers.h"

namespace cardiograd::nn {

struct LstmOptions {
  std::int64_t inputs = 1;
  std::int64_t width = 1;  // hidden units of a direction
  std::int64_t layers = 1;
  bool bidirectional = false;  // a second direction from the last sample to the first, behind the first's channels
};

// x (N, T, inputs) -> (N, T, width), or (N, T, 2 * width) where bidirectional: the hidden states of the last layer
// (ops::lstm), from a zero state. Tensors are called weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0,
// weight_ih_l0_reverse, ..., as PyTorch's. All uniform in +-1 / sqrt(width).
class Lstm : public Layer {
 public:
  Lstm(const LstmOptions& options, PhiloxStream& random);

 protected:
  Tensor compute(const Tensor& x) override;

 private:
  LstmOptions options_;
  std::deque<ops::LstmWeights> weights_;  // of the layers, each with its directions; they stay where they are
};

}  // namespace cardiograd::nn
