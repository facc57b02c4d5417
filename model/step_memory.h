// What memory a training step takes on a GPU: planned from a dry run, so that nobody has to try, or to have the GPU.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "engine/memory_plan.h"
#include "model/model.h"

namespace cardiograd::model {

// Bytes by what stays and what a step needs.
struct StepMemory {
  std::size_t data = 0;        // signals, scales, features and labels of all records
  std::size_t parameters = 0;  // with the buffers of batch norm and constants
  std::size_t gradients = 0;
  std::size_t moments = 0;  // Adam's
  MemoryPlan step;          // its tensors are named by the kernels and layers that make them

  std::size_t lasting() const { return data + parameters + gradients + moments; }
  std::size_t total() const { return lasting() + step.bytes; }
};

// Builds the model; called in a dry run.
using BuildModel = std::function<std::unique_ptr<Model>()>;

// The memory of a step as GraphSteps makes it on `batch` records out of `records`, with or without clipping. Kernels'
// working memory (kernels/common/scratch_cuda.h) is not in it.
StepMemory plan_training_step(const BuildModel& build, std::int64_t records, std::int64_t batch, bool clip);

// Of a GPU's memory, what neither tensors nor plans have: the driver's context, the kernels' code and their working
// memory with cuBLASLt's 32 MiB. An assumption: drivers differ.
inline constexpr std::size_t kBesideTensors = std::size_t{512} << 20;

// Of it the kernels' working memory and small tensors.
inline constexpr std::size_t kWorkingMemory = std::size_t{96} << 20;

// The largest batch from 2 to `most` whose step fits into `bytes`; 0 when none does. plan_training_step() for some.
std::int64_t largest_batch(const BuildModel& build, std::int64_t records, bool clip, std::size_t bytes,
                           std::int64_t most);

}  // namespace cardiograd::model
