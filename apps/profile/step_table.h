// What `profile --device` prints and writes: one training step as it ran, kernel by kernel.
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "model/prediction.h"
#include "model/timed_step.h"

namespace cardiograd::apps {

// What a step that ran is held against.
struct StepSettings {
  std::string device;     // "cpu, 2 threads", "cuda (NVIDIA H100, ...)"
  std::string precision;  // "fp32"
  std::int64_t batch = 0;
  bool by_layer = false;
  bool launches = false;  // shown: of the GPU's kernels
  std::string roof;       // what the next two are of; "" for none
  double flop_per_s = 0;
  double bytes_per_s = 0;
  const model::Gpu* gpu = nullptr;  // what predictions are for, or null
  const model::CostTable* costs = nullptr;
};

// Equal kernels in a line, the slowest first; the sum against the whole step, and the largest gaps.
std::string step_text(const model::TimedStep& step, const StepSettings& settings);
// The same in JSON, kernels in the order in which they ran.
nlohmann::json step_json(const model::TimedStep& step, const StepSettings& settings);
// The step as Chrome's trace events, for Perfetto or chrome://tracing: a row of kernels and one of their layers.
nlohmann::json step_trace(const model::TimedStep& step, const StepSettings& settings);

}  // namespace cardiograd::apps
