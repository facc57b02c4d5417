#include "engine/memory.h"

#include <gtest/gtest.h>

namespace cardiograd {
namespace {

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

}  // namespace
}  // namespace cardiograd
