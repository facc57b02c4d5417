#include "bench/desk/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "bench/desk/roof.h"

namespace cardiograd::bench {
namespace {

TEST(Timing, MedianAndQuartiles) {
  const Timing timing = summarize({5, 1, 3, 2, 4}, 0.05);
  EXPECT_EQ(timing.seconds, 3);
  EXPECT_EQ(timing.spread, 2.0 / 3);
  EXPECT_EQ(timing.rounds, 5);
  EXPECT_FALSE(timing.stable);
  EXPECT_TRUE(summarize({1, 1.01, 0.99, 1}, 0.05).stable);
  EXPECT_FALSE(summarize({1, std::nan(""), 1}, 0.05).stable);
  EXPECT_THROW(summarize({}, 0.05), Error);
}

// Returns prepared times for each work, and counts what it was asked.
class FakeClock : public Clock {
 public:
  double seconds(const std::function<void()>& run, std::int64_t iterations, Temperature /*temperature*/) override {
    run();
    most_iterations = std::max(most_iterations, iterations);
    return 1e-3 * (current == 0 ? 1 : 1 + 0.5 * (calls++ % 2));
  }
  int current = 0;
  int calls = 0;
  std::int64_t most_iterations = 0;
};

TEST(Timing, RoundsGoOnUntilTheSpreadIsSmallOrSaysThatItIsNot) {
  FakeClock clock;
  TimingOptions options;
  options.min_rounds = 4;
  options.max_rounds = 9;
  const std::vector<Work> works = {{[&] { clock.current = 0; }, nullptr}, {[&] { clock.current = 1; }, nullptr}};
  const auto timings = time_in_turns(works, Temperature::kHot, clock, options);
  ASSERT_EQ(timings.size(), 2U);
  EXPECT_EQ(timings[0].rounds, 4);
  EXPECT_TRUE(timings[0].stable);
  EXPECT_EQ(timings[1].rounds, 9);
  EXPECT_FALSE(timings[1].stable);
  EXPECT_EQ(clock.most_iterations, 20);  // 20 ms in runs of 1 ms.
}

// Reports a short time of a run before which emptying the caches takes long.
class ColdClock : public Clock {
 public:
  double seconds(const std::function<void()>& run, std::int64_t iterations, Temperature temperature) override {
    EXPECT_EQ(temperature, Temperature::kCold);
    std::this_thread::sleep_for(std::chrono::milliseconds(10) * iterations);
    run();
    most_iterations = std::max(most_iterations, iterations);
    return 1e-6;
  }
  std::int64_t most_iterations = 0;
};

TEST(Timing, EmptyingTheCachesIsPartOfTheTimeOfARound) {
  ColdClock clock;
  TimingOptions options;
  options.min_rounds = 2;
  time_in_turns({{[] {}, nullptr}}, Temperature::kCold, clock, options);
  EXPECT_LE(clock.most_iterations, 2);  // 20 ms a round
}

TEST(Timing, WorkThatChangesItsInputIsPutBack) {
  FakeClock clock;
  TimingOptions options;
  options.min_rounds = 5;
  int resets = 0;
  time_in_turns({{[&] { clock.current = 0; }, [&] { ++resets; }}}, Temperature::kHot, clock, options);
  EXPECT_EQ(resets, 5);
}

TEST(Timing, GoogleBenchmarkCountsRunsAndAveragesTheirTimes) {
  int runs = 0;
  EXPECT_TRUE(google_sample(
                  7, [&] { ++runs; }, nullptr) >= 0);
  EXPECT_EQ(runs, 7);
  double next = 0;
  EXPECT_TRUE(std::abs(google_sample(3, nullptr, [&] { return next += 1; }) - 2) < 1e-9);
}

TEST(Roof, IsMeasuredAndBoundsTheTime) {
  const Roof roof = measure_cpu_roof();
  EXPECT_TRUE(roof.measured());
  EXPECT_TRUE(roof.flop_per_s > 1e9);
  EXPECT_TRUE(roof.bytes_per_s > 1e8);
  const Roof round = {1e9, 1e8};
  EXPECT_EQ(round.seconds({.flop = 1e9, .bytes = 1}), 1);
  EXPECT_EQ(round.seconds({.flop = 1, .bytes = 2e8}), 2);
  EXPECT_FALSE(Roof().measured());
}

}  // namespace
}  // namespace cardiograd::bench
