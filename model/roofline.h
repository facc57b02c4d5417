// What one training step of HC-CNN-TN costs, kernel by kernel: the kernels that the step runs, as a dry run of it
// reports them, with the cost that the op table gives for their shapes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/precision.h"
#include "engine/device.h"
#include "kernels/op_table.h"
#include "model/hc_cnn_tn.h"

namespace cardiograd::model {

// One kernel call of the step.
struct KernelCall {
  std::string layer;  // as in the weight file: "cnn.0", "encoder.layers.1.self_attn"; "batch", "loss" and "adam"
                      // outside the model; "" for the model's own operations between its layers
  std::string op;     // name in the op table: "conv1d_forward"
  kernels::OpCase work;
  int launches = 0;  // kernels and matrix products that it puts into the GPU's stream
};

// The calls of one training step on `device`, whether there is one or not, on a batch from the device-resident data
// set, in the order in which they run: gather, forward, loss, backward, gradients that meet at a residual connection
// added up, one Adam over all parameters. Not among them: filling gradients with zeros and copying, which are no
// kernels of the table. The step is a dry run (engine/observer.h): it takes neither time nor memory for the batch.
// `precision` is of the factors of matrix products. Throws Error for sizes that check(config) refuses, or a batch below
// 2 (batch norm).
std::vector<KernelCall> training_step_calls(const HcCnnTnConfig& config, std::int64_t batch,
                                            Device device = Device::kCuda, Precision precision = Precision::kFp32);

}  // namespace cardiograd::model
