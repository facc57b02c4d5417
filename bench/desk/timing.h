// Times several pieces of work against each other on Google Benchmark: in turns, so that a busy moment of the machine
// meets all of them, until the spread of each is small.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace cardiograd::bench {

enum class Temperature { kHot, kCold };

constexpr const char* temperature_name(Temperature temperature) {
  return temperature == Temperature::kHot ? "hot" : "cold";
}

struct TimingOptions {
  int min_rounds = 5;
  int max_rounds = 40;
  double round_seconds = 0.02;  // of one piece of work in one round, but always one run
  double max_seconds = 3;       // of one piece of work altogether; at least 3 rounds are made
  double small_spread = 0.05;
};

// Where work runs. `seconds` runs it `iterations` times and returns the time of one run; kCold: nothing of it in the
// caches before each run.
class Clock {
 public:
  Clock() = default;
  virtual ~Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual double seconds(const std::function<void()>& run, std::int64_t iterations, Temperature temperature) = 0;
};

// This processor, through Google Benchmark. Between two pieces of work it waits until idle threads of other libraries
// sleep.
class CpuClock : public Clock {
 public:
  double seconds(const std::function<void()>& run, std::int64_t iterations, Temperature temperature) override;
};

struct Timing {
  double seconds = 0;  // the median of the rounds
  double spread = 0;   // the distance of their quartiles, over the median
  bool stable = false;
  int rounds = 0;
};

// The median and spread of measured times.
Timing summarize(std::vector<double> seconds, double small_spread);

struct Work {
  std::function<void()> run;
  // Before each round, untimed: puts back what `run` changes of its own input. Null where that is nothing.
  std::function<void()> reset;
};

// One Timing for each piece of work. Each runs once untimed before.
std::vector<Timing> time_in_turns(const std::vector<Work>& works, Temperature temperature, Clock& clock,
                                  const TimingOptions& options);

// One sample of Google Benchmark: `iterations` calls of `once`, which returns the seconds of one run, or, where `once`
// is null, of `run` by the wall clock. Returns the mean time.
double google_sample(std::int64_t iterations, const std::function<void()>& run, const std::function<double()>& once);

}  // namespace cardiograd::bench
