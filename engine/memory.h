// Memory of tensors: blocks are kept when they are freed and handed out again, so that a training step takes nothing
// from the operating system or the GPU after its first iteration.
//
// Blocks of the GPU are handed out again at once, whether or not the kernels that used them have run: everything goes
// through one stream, so whoever gets a block next comes after them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/out_of_memory.h"
#include "engine/device.h"

namespace cardiograd {

struct MemoryStatistics {
  std::size_t in_use = 0;       // bytes that tensors hold
  std::size_t peak_in_use = 0;  // the most since the start or reset_peak()
  std::size_t reserved = 0;     // bytes taken from the operating system or the GPU
  std::uint64_t system_allocations = 0;
};

// Memory, aligned to 64 bytes on the host and 256 on the GPU; it returns to the allocator when the last
// owner lets go.
using Storage = std::shared_ptr<std::byte>;

// Where an allocator's blocks come from.
struct MemorySource {
  std::byte* (*allocate)(std::size_t bytes);  // nullptr when there is no more
  void (*release)(std::byte* block, std::size_t bytes);
  std::string (*describe)();  // for messages: "on the NVIDIA H100 of 80.0 GB", or ""
};
// malloc's, aligned to large pages where that pays.
MemorySource host_memory();

// Whether a block may be larger than asked for, so that near-equal requests share blocks.
enum class BlockSize { kRounded, kExact };

// Keeps the blocks that tensors let go of, by size, for the next request of that size. Safe from several threads.
class CachingAllocator {
 public:
  explicit CachingAllocator(const MemorySource& source = host_memory());
  ~CachingAllocator();
  CachingAllocator(const CachingAllocator&) = delete;
  CachingAllocator& operator=(const CachingAllocator&) = delete;

  // At least `bytes` bytes with undefined content. Throws OutOfMemory that says what was asked for, what is in use and
  // what there is when the source has no more even after release_cached().
  Storage allocate(std::size_t bytes, BlockSize rounding = BlockSize::kRounded);
  MemoryStatistics statistics() const;
  // From now on peak_in_use counts anew, from what is in use.
  void reset_peak();
  // Gives blocks that no tensor holds back to the source.
  void release_cached();
  // Takes at most `bytes` from the source, as if it had no more.
  void set_limit(std::size_t bytes);
  std::size_t limit() const;

 private:
  // Blocks of one size.
  struct Bin {
    std::vector<std::byte*> free;  // with room for all: giving a block back takes no memory
    std::size_t blocks = 0;        // from the source
  };

  std::byte* take(std::size_t size);
  std::byte* take_from_source(std::size_t size, Bin& bin);
  void release_free_blocks();
  [[noreturn]] void refuse(std::size_t bytes) const;
  void give_back(std::byte* block, std::size_t size) noexcept;

  MemorySource source_;
  mutable std::mutex mutex_;
  std::map<std::size_t, Bin> bins_;  // by block size
  MemoryStatistics statistics_;
  std::size_t limit_ = SIZE_MAX;
};

// The allocators of Device::kCpu and Device::kCuda. The second throws Error where there is no GPU; the environment
// variable CARDIOGRAD_DEVICE_MEMORY limits it, in MiB.
CachingAllocator& cpu_allocator();
CachingAllocator& cuda_allocator();
CachingAllocator& allocator(Device device);
// Host memory that the GPU reads and writes by itself. Throws Error where there is no GPU.
CachingAllocator& pinned_allocator();
// Address space: a page takes memory when it is written. What tensors of a dry run get (observer.h).
CachingAllocator& dry_run_allocator();

// Whoever hands out the memory of tensors instead of the device's allocator (memory_plan.h).
class TensorMemory {
 public:
  virtual ~TensorMemory() = default;
  // At least `bytes` bytes, aligned to 256, for a new tensor.
  virtual Storage allocate(std::size_t bytes) = 0;
};

// While alive, new tensors of `device` that this thread makes get their memory from `memory`; nullptr: from the
// device's allocator as always. Scopes nest.
class TensorMemoryScope {
 public:
  TensorMemoryScope(Device device, TensorMemory* memory);
  ~TensorMemoryScope();
  TensorMemoryScope(const TensorMemoryScope&) = delete;
  TensorMemoryScope& operator=(const TensorMemoryScope&) = delete;

 private:
  Device device_before_;
  TensorMemory* memory_before_;
};

// Memory for a new tensor: of the scope, the dry run, or the device's allocator.
Storage tensor_memory(Device device, std::size_t bytes);
// The last two alone.
Storage tensor_memory_without_scope(Device device, std::size_t bytes);

// Bytes of the GPU that tensors could have: what they hold, what is cached, and what is free within the limit. Throws
// Error where there is no GPU.
std::size_t cuda_memory_for_tensors();

// "1.50 GB", "12.3 MB", "980 bytes".
std::string memory_text(std::size_t bytes);

}  // namespace cardiograd
