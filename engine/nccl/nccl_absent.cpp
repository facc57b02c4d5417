// Builds without NCCL: the CPU alone, or one GPU.
#if !defined(CARDIOGRAD_NCCL)
#include <fmt/format.h>

#include "base/error.h"
#include "engine/nccl/nccl_group.h"

namespace cardiograd {

std::unique_ptr<GpuGroup> join_gpus(ProcessGroup& group) {
  throw Error(fmt::format("{} processes with a GPU each, and this build has no NCCL", group.size()),
              "Run scripts/install_nccl.sh, configure and build again; or use --device cpu, or one process.");
}

}  // namespace cardiograd
#endif
