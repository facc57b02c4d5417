// Memory of a piece of work that is done again and again, planned from one time of it: which tensors it makes, how
// large they are, how long each lives. From that follows where each lies in one block of memory, and how large that is.
//
//   MemoryRecorder recorder(Device::kCuda);
//   {
//     const TensorMemoryScope scope(Device::kCuda, &recorder);
//     step();                                  // a dry run does as well (observer.h)
//   }
//   const MemoryPlan plan = recorder.plan();   // plan.bytes
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/device.h"
#include "engine/memory.h"

namespace cardiograd {

// A tensor of the work. It lives from event `born` to before event `died`; events are tensors made and let go of.
struct PlannedTensor {
  std::size_t bytes = 0;
  std::int64_t born = 0;
  std::int64_t died = 0;
  std::size_t offset = 0;  // in the block
  std::string made_by{};   // the first kernel that ran after it was made, and its layer; "" where none was observed
  std::string layer{};
};

struct MemoryPlan {
  std::vector<PlannedTensor> tensors;  // in the order in which they are made
  std::size_t bytes = 0;               // of the block
  std::size_t peak = 0;                // bytes of the tensors that live at the height: no block can be smaller
  std::int64_t height = 0;             // the event at which so many live

  // Those that live at the height, the largest first.
  std::vector<const PlannedTensor*> at_height() const;
};

// Places the tensors, whose bytes, born and died are given: large ones first, each at the lowest address that no other
// tensor of its time has (Pisarchyk and Lee 2020, "greedy by size").
MemoryPlan plan_memory(std::vector<PlannedTensor> tensors);

// Hands out parts of a block that nothing else uses meanwhile, and what does not fit from where memory always comes.
class BlockMemory : public TensorMemory {
 public:
  BlockMemory(Device device, const Storage& block, std::size_t bytes);
  Storage allocate(std::size_t bytes) override;

 private:
  struct Live;

  Device device_;
  Storage block_;
  std::size_t bytes_;
  std::shared_ptr<Live> live_;
};

// Writes down which tensors are made and when they are let go of. Their memory comes from `source`, or from where it
// always does.
class MemoryRecorder : public TensorMemory {
 public:
  explicit MemoryRecorder(Device device, TensorMemory* source = nullptr) : device_(device), source_(source) {}
  Storage allocate(std::size_t bytes) override;
  // The tensors made since the last call were made for this kernel. For an observer's callback.
  void name_tensors(std::string_view kernel, std::string_view layer);
  // Tensors that are still there live to the end.
  MemoryPlan plan() const;

 private:
  struct Log;

  Device device_;
  TensorMemory* source_;
  std::shared_ptr<Log> log_;
};

// Hands out the memory that a plan says, to the same work done again.
class PlannedMemory : public TensorMemory {
 public:
  // `block` holds plan.bytes; both must outlive this.
  PlannedMemory(const MemoryPlan& plan, const Storage& block) : plan_(plan), block_(block) {}
  // Throws Error when the work asks for other tensors than those of the plan.
  Storage allocate(std::size_t bytes) override;
  // Throws Error when tensors of the plan were not asked for.
  void expect_finished() const;

 private:
  [[noreturn]] void refuse(const std::string& found) const;

  const MemoryPlan& plan_;
  const Storage& block_;
  std::size_t next_ = 0;
};

}  // namespace cardiograd
