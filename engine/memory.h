// Memory of tensors: blocks are kept when they are freed and handed out again, so that a training step takes nothing
// from the operating system after its first iteration.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

namespace cardiograd {

struct MemoryStatistics {
  std::size_t in_use = 0;       // bytes that tensors hold
  std::size_t peak_in_use = 0;  // the most since the start or reset_peak()
  std::size_t reserved = 0;     // bytes taken from the operating system
  std::uint64_t system_allocations = 0;
};

// A piece of host memory, 64-byte aligned; it returns to the allocator when the last owner lets go.
using Storage = std::shared_ptr<std::byte>;

class CachingAllocator {
 public:
  CachingAllocator() = default;
  ~CachingAllocator();
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  // At least `bytes` bytes with undefined content. Throws Error that says what was asked for and what is in use when
  // the system has no more.
  Storage allocate(std::size_t bytes);
  MemoryStatistics statistics() const;
  void reset_peak();
  // Gives blocks that no tensor holds back to the system.
  void release_cached();

 private:
  void give_back(std::byte* block, std::size_t size);

  mutable std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> free_;  // by block size
  MemoryStatistics statistics_;
};

// The allocator of Device::kCpu.
CachingAllocator& cpu_allocator();

}  // namespace cardiograd
