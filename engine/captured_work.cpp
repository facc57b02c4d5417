#include "engine/captured_work.h"

#include <utility>

#include "base/error.h"
#include "kernels/common/device_code.h"
#include "kernels/common/scratch_cuda.h"

namespace cardiograd {

const Storage& WorkBlocks::block(std::size_t bytes) {
  if (last_ == nullptr || size_ < bytes) {
    cuda_allocator().release_cached();
    last_ = cuda_allocator().allocate(bytes, BlockSize::kExact);
    size_ = bytes;
    total_ += bytes;
  }
  return last_;
}

CapturedWork::CapturedWork(std::function<void()> work, WorkBlocks& blocks) : work_(std::move(work)), blocks_(blocks) {
  if constexpr (kernels::kHasDeviceCode) kernels::hold_cuda_scratch(true);
}

CapturedWork::~CapturedWork() {
  try {
    if constexpr (kernels::kHasDeviceCode) kernels::hold_cuda_scratch(false);
  } catch (const Error&) {  // Of a kernel that the emulation ran just now.
  }
}

bool CapturedWork::run() {
  if (graph_) {
    graph_->launch();
    return true;
  }
  if (!done_) {
    BlockMemory block(Device::kCuda, blocks_.last(), blocks_.size());
    MemoryRecorder recorder(Device::kCuda, &block);
    {
      const TensorMemoryScope scope(Device::kCuda, &recorder);
      work_();
    }
    plan_ = recorder.plan();
    done_ = true;
    return false;
  }
  block_ = blocks_.block(plan_.bytes);
  graph_.emplace(record());
  graph_->launch();
  return false;
}

cuda::Graph CapturedWork::record() const {
  PlannedMemory memory(plan_, block_);
  const TensorMemoryScope scope(Device::kCuda, &memory);
  return cuda::Graph([&] {
    work_();
    memory.expect_finished();
  });
}

}  // namespace cardiograd
