// What one training step of HC-CNN-TN costs, kernel by kernel: the rows of the op table that it runs, with their
// shapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/op_table.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd::model {

// One kernel call of the step.
struct KernelCall {
  std::string layer;  // as in the weight file: "cnn.0", "encoder.layers.1.self_attn", "adam"
  std::string op;     // name of the row: "conv1d_forward"
  kernels::OpCase work;
};

// The calls of one training step on a batch from the device-resident data set, in the order in which they run: gather,
// forward, loss, backward, gradients that meet at a residual connection added up, one Adam over all parameters. Not
// among them: filling gradients with zeros and copying, which are no rows of the table. Throws Error for sizes that
// check(config) refuses, or a batch below 2 (batch norm).
std::vector<KernelCall> training_step_calls(const HcCnnTnConfig& config, std::int64_t batch);

}  // namespace cardiograd::model
