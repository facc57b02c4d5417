#include "engine/memory.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include <fmt/format.h>
#include <sys/mman.h>

#include "base/error.h"

namespace cardiograd {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Block sizes: eight steps per power of two, so that at most an eighth is wasted and near-equal requests share blocks.
std::size_t block_size(std::size_t bytes) {
  bytes = std::max(bytes, kAlignment);
  const std::size_t step = std::max(kAlignment, std::bit_floor(bytes) / 8);
  return (bytes + step - 1) / step * step;
}

std::byte* system_allocate(std::size_t size) {
  const std::size_t alignment = size >= kHugePage ? kHugePage : kAlignment;
  void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  // Large pages save most page faults and TLB misses; where they are switched off this does nothing.
  if (block != nullptr && size >= kHugePage) ::madvise(block, size, MADV_HUGEPAGE);
  return static_cast<std::byte*>(block);
}

}  // namespace

CachingAllocator::~CachingAllocator() {
  release_cached();
}

Storage CachingAllocator::allocate(std::size_t bytes) {
  const std::size_t size = block_size(bytes);
  std::byte* block = nullptr;
  {
    const std::lock_guard lock(mutex_);
    auto& blocks = free_[size];
    if (!blocks.empty()) {
      block = blocks.back();
      blocks.pop_back();
    } else {
      block = system_allocate(size);
      if (block == nullptr)
        throw Error(fmt::format("out of memory: {} bytes asked for, {} in use, {} reserved", bytes, statistics_.in_use,
                                statistics_.reserved),
                    "Use a smaller --batch-size.");
      statistics_.reserved += size;
      ++statistics_.system_allocations;
    }
    statistics_.in_use += size;
    statistics_.peak_in_use = std::max(statistics_.peak_in_use, statistics_.in_use);
  }
  return {block, [this, size](std::byte* freed) { give_back(freed, size); }};
}

void CachingAllocator::give_back(std::byte* block, std::size_t size) {
  const std::lock_guard lock(mutex_);
  free_[size].push_back(block);
  statistics_.in_use -= size;
}

MemoryStatistics CachingAllocator::statistics() const {
  const std::lock_guard lock(mutex_);
  return statistics_;
}

void CachingAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  statistics_.peak_in_use = statistics_.in_use;
}

void CachingAllocator::release_cached() {
  const std::lock_guard lock(mutex_);
  for (auto& [size, blocks] : free_) {
    for (std::byte* block : blocks) std::free(block);
    statistics_.reserved -= size * blocks.size();
    blocks.clear();
  }
}

CachingAllocator& cpu_allocator() {
  // Never destroyed: tensors with static lifetime may outlive any order of destruction.
  static auto* allocator = new CachingAllocator;
  return *allocator;
}

}  // namespace cardiograd
