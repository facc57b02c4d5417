// The GPUs of several processes through NCCL; on the host, where the CUDA kernels run there, through simt/nccl.h.
#pragma once

#include <memory>

#include "engine/gpu_group.h"
#include "engine/process_group.h"

namespace cardiograd {

// Joins the GPUs that the processes of `group` use, each its own; all must call it, and `group` must outlive what it
// returns. Throws Error naming the ranks where two use one GPU or one does not come within the group's patience, and in
// a build without NCCL.
//
// While the result lives, whatever waits for the GPU (engine/cuda.h) ends with an Error when that takes longer than the
// group's patience, or when NCCL finds another GPU lost. It names the ranks whose GPU stands still, or else those whose
// process does not answer.
std::unique_ptr<GpuGroup> join_gpus(ProcessGroup& group);

}  // namespace cardiograd
