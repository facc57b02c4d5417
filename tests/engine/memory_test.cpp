#include "engine/memory.h"

#include <cstdlib>
#include <new>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace {

thread_local std::size_t made = 0;

}  // namespace

// Counts what this thread takes from the heap. With sanitizers g++ inlines only one of a pair and then sees malloc()
// meet delete.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(std::size_t size) {
  ++made;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {  // std::stable_sort's
  ++made;
  return std::malloc(size);
}
void operator delete(void* block) noexcept {
  std::free(block);
}
void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}

namespace cardiograd {
namespace {

std::size_t allocations() {
  return made;
}

TEST(Memory, BlocksAreUsedAgain) {
  CachingAllocator allocator;
  { const Storage a = allocator.allocate(1000); }
  { const Storage b = allocator.allocate(1001); }
  const MemoryStatistics statistics = allocator.statistics();
  EXPECT_EQ(statistics.system_allocations, 1U);
  EXPECT_EQ(statistics.in_use, 0U);
  EXPECT_GE(statistics.peak_in_use, 1000U);
  allocator.release_cached();
  EXPECT_EQ(allocator.statistics().reserved, 0U);
}

TEST(Memory, DryRunsGetAddressesThatCanBeGivenBack) {
  const std::size_t much = std::size_t{1} << 42;  // 4 TB
  {
    const Storage block = dry_run_allocator().allocate(much);
    ASSERT_NE(block, nullptr);
    block.get()[much - 1] = std::byte{7};  // A page that is written is memory.
    EXPECT_EQ(block.get()[much - 1], std::byte{7});
    EXPECT_GE(dry_run_allocator().statistics().in_use, much);
  }
  dry_run_allocator().release_cached();
  EXPECT_EQ(dry_run_allocator().statistics().reserved, 0U);
}

// Tensors go while memory has run out, and from noexcept code: giving a block back must not take any.
TEST(Memory, GivingBackTakesNoMemory) {
  CachingAllocator allocator;
  for (int round = 0; round < 2; ++round) {
    std::vector<Storage> blocks;
    for (int i = 0; i < 1000; ++i) blocks.push_back(allocator.allocate(64));
    const std::size_t before = allocations();
    blocks.erase(blocks.begin(), blocks.begin() + 999);
    // Of this thread: those of shared_ptr's control blocks are freed, none are made.
    EXPECT_EQ(allocations(), before);
    blocks.clear();
    EXPECT_EQ(allocator.statistics().in_use, 0U);
    allocator.release_cached();
    EXPECT_EQ(allocator.statistics().reserved, 0U);
  }
}

// Neither with blocks of many sizes in another order, nor on another thread.
TEST(Memory, GivingBackOtherBlocksElsewhereTakesNoMemory) {
  CachingAllocator allocator;
  std::vector<Storage> blocks;
  for (std::size_t i = 0; i < 1000; ++i) blocks.push_back(allocator.allocate(1 + 997 * i * i % 100'000));
  const std::size_t before = allocations();
  for (std::size_t i = 0; i < 500; ++i) blocks[(7 * i) % 1000].reset();
  EXPECT_EQ(allocations(), before);
  std::size_t elsewhere = 1;
  std::thread([&] {
    const std::size_t start = allocations();
    for (Storage& block : blocks) block.reset();
    elsewhere = allocations() - start;
  }).join();
  EXPECT_EQ(elsewhere, 0U);
  EXPECT_EQ(allocator.statistics().in_use, 0U);
}

}  // namespace
}  // namespace cardiograd
