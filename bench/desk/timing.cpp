#include "bench/desk/timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include <benchmark/benchmark.h>

#include "base/error.h"
#include "bench/desk/cpu_cache.h"

namespace cardiograd::bench {
namespace {

// Keeps what Google Benchmark measured, and prints nothing.
class Keeper : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context& /*context*/) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs)
      if (run.run_type == Run::RT_Iteration && run.iterations > 0)
        seconds = run.real_accumulated_time / static_cast<double>(run.iterations);
  }
  double seconds = std::numeric_limits<double>::quiet_NaN();
};

// A quantile, linear between the two values beside it.
double quantile(const std::vector<double>& sorted, double fraction) {
  const double at = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Work that changes its own input is put back before its values have left the range of normal numbers.
std::int64_t runs_per_round(double seconds, double round_seconds, bool is_reset) {
  const std::int64_t most = is_reset ? 64 : 10'000;
  if (!(seconds > 0)) return most;
  return static_cast<std::int64_t>(std::clamp(round_seconds / seconds, 1.0, static_cast<double>(most)));
}

}  // namespace

double google_sample(std::int64_t iterations, const std::function<void()>& run, const std::function<double()>& once) {
  Keeper keeper;
  benchmark::ClearRegisteredBenchmarks();
  auto* sample = benchmark::RegisterBenchmark("sample", [&](benchmark::State& state) {
    if (once)
      while (state.KeepRunning()) state.SetIterationTime(once());
    else
      while (state.KeepRunning()) run();
  });
  sample->Iterations(iterations);
  if (once)
    sample->UseManualTime();
  else
    sample->UseRealTime();
  benchmark::RunSpecifiedBenchmarks(&keeper, "all");
  benchmark::ClearRegisteredBenchmarks();
  if (!(keeper.seconds >= 0)) throw Error("Google Benchmark returned no time");
  return keeper.seconds;
}

double CpuClock::seconds(const std::function<void()>& run, std::int64_t iterations, Temperature temperature) {
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (temperature == Temperature::kHot) {
    run();
    return google_sample(iterations, run, nullptr);
  }
  return google_sample(iterations, nullptr, [&] {
    flush_cpu_caches();
    const auto start = std::chrono::steady_clock::now();
    run();
    return seconds_since(start);
  });
}

Timing summarize(std::vector<double> seconds, double small_spread) {
  if (seconds.empty()) throw Error("no times to summarize");
  std::sort(seconds.begin(), seconds.end());
  Timing timing;
  timing.seconds = quantile(seconds, 0.5);
  timing.spread = (quantile(seconds, 0.75) - quantile(seconds, 0.25)) / timing.seconds;
  timing.stable = timing.spread <= small_spread;
  timing.rounds = static_cast<int>(seconds.size());
  return timing;
}

std::vector<Timing> time_in_turns(const std::vector<Work>& works, Temperature temperature, Clock& clock,
                                  const TimingOptions& options) {
  constexpr int kMinRounds = 3;
  std::vector<std::int64_t> runs;
  for (const Work& work : works) {
    work.run();
    const auto start = std::chrono::steady_clock::now();
    double seconds = clock.seconds(work.run, 1, temperature);
    // Emptying the caches takes much longer than a short piece of work, and is part of the time that a round may take.
    if (temperature == Temperature::kCold) seconds = seconds_since(start);
    runs.push_back(runs_per_round(seconds, options.round_seconds, work.reset != nullptr));
  }
  std::vector<std::vector<double>> samples(works.size());
  std::vector<double> spent(works.size());
  std::vector<Timing> timings(works.size());
  const auto needs_more = [&](std::size_t i) {
    const auto rounds = static_cast<int>(samples[i].size());
    if (rounds < kMinRounds) return true;
    if (spent[i] >= options.max_seconds || rounds >= options.max_rounds) return false;
    return rounds < options.min_rounds || !timings[i].stable;
  };
  const auto any_needs_more = [&] {
    for (std::size_t i = 0; i < works.size(); ++i)
      if (needs_more(i)) return true;
    return false;
  };
  while (any_needs_more()) {
    for (std::size_t i = 0; i < works.size(); ++i) {
      if (!needs_more(i)) continue;
      const auto start = std::chrono::steady_clock::now();
      if (works[i].reset) works[i].reset();
      samples[i].push_back(clock.seconds(works[i].run, runs[i], temperature));
      spent[i] += seconds_since(start);
      timings[i] = summarize(samples[i], options.small_spread);
    }
  }
  return timings;
}

}  // namespace cardiograd::bench
