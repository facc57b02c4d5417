#include "base/cancellation.h"

#include <atomic>
#include <vector>

#include <gtest/gtest.h>

#include "base/threads.h"

namespace cardiograd {
namespace {

TEST(CancellableLoops, EndBetweenCallsOnAnyThreadCount) {
  const int before = thread_count();
  for (const int threads : {1, 2, 4}) {
    set_thread_count(threads);
    for (const int allowed : {0, 1, 37}) {
      std::atomic<int> asked{0}, calls{0};
      const std::function<bool()> cancel = [&] { return ++asked > allowed; };
      const CancellableLoops cancellable(cancel);
      EXPECT_THROW(parallel_for(1000, [&](std::int64_t) { ++calls; }), Canceled);
      EXPECT_EQ(calls.load(), allowed);
    }
  }
  set_thread_count(before);
}

TEST(CancellableLoops, TheNewestIsAskedAndNobodyBehindThem) {
  const std::function<bool()> never = [] { return false; }, always = [] { return true; };
  int calls = 0;
  const auto loop = [&] { parallel_for(1, [&](std::int64_t) { ++calls; }); };
  {
    const CancellableLoops outer(always);
    {
      const CancellableLoops inner(never);
      loop();
    }
    EXPECT_THROW(loop(), Canceled);
  }
  EXPECT_EQ(CancellableLoops::current(), nullptr);
  loop();
  EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace cardiograd
