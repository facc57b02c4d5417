// Processes with an emulated GPU each.
#pragma once

#include <functional>
#include <memory>

#include <gtest/gtest.h>

#include "base/threads.h"
#include "engine/cuda.h"
#include "engine/gpu_group.h"
#include "engine/nccl/nccl_group.h"
#include "tests/engine/forked_ranks.h"

namespace cardiograd::testing {

// Nothing asks for the GPU before the processes are there: each has its own.
class CudaGroup : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!cuda::emulated()) GTEST_SKIP() << "several GPUs are emulated in the presets simt";
  }
};

// in_processes(), with their GPUs joined.
inline void with_gpus(int ranks, const std::function<void(ProcessGroup&, GpuGroup&)>& body) {
  in_processes(ranks, [&](ProcessGroup& group) {
    set_thread_count(1);
    cuda::choose_gpu(group.rank());
    const std::unique_ptr<GpuGroup> gpus = join_gpus(group);
    body(group, *gpus);
  });
}

}  // namespace cardiograd::testing
