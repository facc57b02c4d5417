#include "base/threads.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"

namespace cardiograd {
namespace {

TEST(Threads, EveryIndexOnceOnAnyThreadCount) {
  const int before = thread_count();
  for (const int threads : {1, 2, 3}) {
    set_thread_count(threads);
    for (const int count : {0, 1, 2, 1000}) {
      std::vector<int> calls(static_cast<std::size_t>(count));
      parallel_for(count, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
      for (const int call : calls) EXPECT_EQ(call, 1);
    }
  }
  set_thread_count(before);
}

TEST(Threads, ExceptionsComeBack) {
  const int before = thread_count();
  set_thread_count(2);
  EXPECT_THROW(parallel_for(100,
                            [](std::int64_t i) {
                              if (i == 37) throw Error("thirty-seven");
                            }),
               Error);
  set_thread_count(before);
  EXPECT_THROW(set_thread_count(-1), Error);
}

}  // namespace
}  // namespace cardiograd
