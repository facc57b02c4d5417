// The GPUs of several processes through NCCL; on the host, where the CUDA kernels run there, through simt/nccl.h.
#pragma once

#include <memory>

#include "engine/gpu_group.h"
#include "engine/process_group.h"

namespace cardiograd {

// Joins the GPUs that the processes of `group` use, each its own; all must call it. Throws Error naming the ranks where
// two use one GPU, and in a build without NCCL.
std::unique_ptr<GpuGroup> join_gpus(ProcessGroup& group);

}  // namespace cardiograd
