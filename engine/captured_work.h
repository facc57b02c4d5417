// Work on the GPU that is done many times: done as always the first time, then recorded as a graph, then replayed.
//
//   CapturedWork step([&] { train_on(batches.next()); }, blocks);
//   for (...) if (step.run()) optimizer.count_step();   // replayed: nothing of the function ran on the host
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "engine/cuda.h"
#include "engine/memory_plan.h"

namespace cardiograd {

// The memory of recorded works that run one after the other: one block, as long as it is large enough.
class WorkBlocks {
 public:
  // A block of at least `bytes` bytes on the GPU: the last one where it suffices. Cached blocks go back to the GPU
  // before another is taken. Throws OutOfMemory.
  const Storage& block(std::size_t bytes);
  // The last block and its size; null and 0 where there is none.
  const Storage& last() const { return last_; }
  std::size_t size() const { return size_; }
  // Bytes of the blocks that were taken.
  std::size_t bytes() const { return total_; }

 private:
  Storage last_;
  std::size_t size_ = 0;
  std::size_t total_ = 0;
};

class CapturedWork {
 public:
  // `work` puts the same kernels with the same arguments into the stream each time, makes the same tensors and leaves
  // none behind. `blocks` must outlive this.
  CapturedWork(std::function<void()> work, WorkBlocks& blocks);
  ~CapturedWork();
  CapturedWork(const CapturedWork&) = delete;
  CapturedWork& operator=(const CapturedWork&) = delete;

  // Does the work once more. True when it was replayed: `work` was not called. Throws what `work` and Graph throw.
  bool run();
  // Records the work anew, with the same memory, for tests: it must not differ from what is replayed. Only where
  // graph() is there.
  cuda::Graph record() const;
  // Nullptr until it is recorded.
  const cuda::Graph* graph() const { return graph_ ? &*graph_ : nullptr; }
  // Empty until the work was done once.
  const MemoryPlan& plan() const { return plan_; }

 private:
  std::function<void()> work_;
  WorkBlocks& blocks_;
  bool done_ = false;
  MemoryPlan plan_;
  Storage block_;
  std::optional<cuda::Graph> graph_;
};

}  // namespace cardiograd
