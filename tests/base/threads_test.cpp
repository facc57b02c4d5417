#include "base/threads.h"

#include <chrono>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

namespace cardiograd {
namespace {

class Threads : public ::testing::Test {
 protected:
  ~Threads() override { set_thread_count(before_); }

 private:
  int before_ = thread_count();
};

// Longer than loops that are worth no second thread.
void work_for(std::chrono::microseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

TEST_F(Threads, EveryIndexOnceOnAnyThreadCount) {
  for (const int threads : {1, 2, 3, 8}) {
    set_thread_count(threads);
    for (const int count : {0, 1, 2, 1000})
      for (int round = 0; round < 50; ++round) {
        std::vector<int> calls(static_cast<std::size_t>(count));
        parallel_for(count, [&](std::int64_t i) { ++calls[static_cast<std::size_t>(i)]; });
        for (const int call : calls) ASSERT_EQ(call, 1);
      }
  }
}

// Loops one behind the other with threads that come late, in the middle and not at all.
TEST_F(Threads, LoopsFollowOneAnother) {
  set_thread_count(4);
  std::vector<std::int64_t> sums(64);
  for (int round = 0; round < 1000; ++round)
    parallel_for(64, [&](std::int64_t i) {
      work_for(std::chrono::microseconds(round % 3));  // 64 or 128 us, or next to nothing
      sums[static_cast<std::size_t>(i)] += round;
    });
  for (const std::int64_t sum : sums) EXPECT_EQ(sum, 1000 * 999 / 2);
}

TEST_F(Threads, ExceptionsComeBack) {
  for (const int threads : {1, 2}) {
    set_thread_count(threads);
    for (int round = 0; round < 5; ++round)
      EXPECT_THROW(parallel_for(100,
                                [](std::int64_t i) {
                                  if (i == 37) throw Error("thirty-seven");
                                }),
                   Error);
  }
  EXPECT_THROW(set_thread_count(-1), Error);
  EXPECT_THROW(set_thread_count(1025), Error);
}

// A loop waits for threads that are in it: two calls that last do so on two threads, and a loop inside on one.
TEST_F(Threads, LongCallsAreSharedAndLoopsInsideAreNot) {
  set_thread_count(2);
  std::set<std::thread::id> outer;
  for (int attempt = 0; attempt < 100 && outer.size() < 2; ++attempt) {
    std::vector<std::thread::id> ids(2);
    parallel_for(2, [&](std::int64_t i) {
      const auto id = std::this_thread::get_id();
      ids[static_cast<std::size_t>(i)] = id;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      parallel_for(3, [&](std::int64_t) {
        work_for(std::chrono::microseconds(50));
        EXPECT_EQ(std::this_thread::get_id(), id);
      });
    });
    outer.insert(ids.begin(), ids.end());
  }
  EXPECT_EQ(outer.size(), 2U);
}

// Two threads of a program may have loops at once.
TEST_F(Threads, LoopsOfTwoCallersEndBoth) {
  set_thread_count(3);
  const auto sum = [] {
    std::atomic<std::int64_t> total{0};
    for (int round = 0; round < 200; ++round)
      parallel_for(20, [&](std::int64_t i) {
        work_for(std::chrono::microseconds(2));
        total += i;
      });
    return total.load();
  };
  std::int64_t other = 0;
  std::thread beside([&] { other = sum(); });
  EXPECT_EQ(sum(), 200 * 190);
  beside.join();
  EXPECT_EQ(other, 200 * 190);
}

// A forked process has none of the threads: its loops must not wait for them.
TEST_F(Threads, AForkedProcessWorksAlone) {
  set_thread_count(4);
  const auto total = [] {
    std::atomic<std::int64_t> sum{0};
    parallel_for(100, [&](std::int64_t i) {
      work_for(std::chrono::microseconds(5));
      sum += i;
    });
    return sum.load();
  };
  EXPECT_EQ(total(), 4950);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(total() == 4950 ? 0 : 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(LoopHistory, FollowsWhatLoopsTakeAndNotOneOfThem) {
  LoopHistory history;
  EXPECT_EQ(history.expected_seconds(10), 0);
  history.remember(10, 5, 5e-6);
  EXPECT_NEAR(history.expected_seconds(10), 10e-6, 1e-9);
  history.remember(10, 10, 1.0);  // This thread had lost its processor.
  EXPECT_NEAR(history.expected_seconds(10), 40e-6, 1e-8);
  history.remember(10, 10, 10e-6);
  history.remember(10, 10, 10e-6);
  EXPECT_NEAR(history.expected_seconds(10), 10e-6, 1e-8);
  EXPECT_EQ(history.expected_seconds(11), 0);
  history.remember(11, 0, 1.0);
  EXPECT_EQ(history.expected_seconds(11), 0);
}

}  // namespace
}  // namespace cardiograd
