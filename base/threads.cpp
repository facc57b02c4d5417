#include "base/threads.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <sched.h>

#include "base/cancellation.h"
#include "base/cpu_limit.h"
#include "base/error.h"

namespace cardiograd {
namespace {

constexpr int kMaxThreads = 1024;
// Loops that are shorter than this on one thread wake no other: waking one that sleeps takes about as long.
constexpr double kWorthwhileSeconds = 20e-6;
// How often a thread that waits looks before it sleeps: some microseconds, about the time between two loops.
constexpr int kLooks = 1000;

// Processors that this process may run on; a container's quota may be less than its processors.
int available_threads() {
  cpu_set_t processors;
  const int allowed = ::sched_getaffinity(0, sizeof processors, &processors) == 0
                          ? CPU_COUNT(&processors)
                          : static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(std::min(allowed, cpu_limit().value_or(kMaxThreads)), 1, kMaxThreads);
}

std::atomic<int>& configured_threads() {
  static std::atomic<int> threads{available_threads()};
  return threads;
}

void wait_a_moment() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Returns when `value` is no longer `old`.
void wait_while(const std::atomic<int>& value, int old) {
  for (int i = 0; i < kLooks; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    wait_a_moment();
  }
  value.wait(old, std::memory_order_acquire);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// One loop, shared by the threads that have joined it.
class Loop {
 public:
  Loop(std::int64_t count, void (*call)(void*, std::int64_t), void* body) : count_(count), call_(call), body_(body) {}

  // All of it on this thread.
  void alone() const {
    for (std::int64_t i = 0; i < count_; ++i) call(i);
  }

  // Calls until none is left; how many this thread made.
  std::int64_t work() {
    std::int64_t calls = 0;
    for (std::int64_t i; (i = next_.fetch_add(1, std::memory_order_relaxed)) < count_; ++calls) {
      if (failed_.load(std::memory_order_relaxed)) break;
      try {
        call(i);
      } catch (...) {
        if (!failed_.exchange(true)) failure_ = std::current_exception();
      }
    }
    return calls;
  }

  // Once all threads have stopped.
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void call(std::int64_t i) const {
    if (cancel_ != nullptr && (*cancel_)()) throw Canceled();
    call_(body_, i);
  }

  const std::int64_t count_;
  void (*const call_)(void*, std::int64_t);
  void* const body_;
  const std::function<bool()>* const cancel_ = CancellableLoops::current();
  std::atomic<std::int64_t> next_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr failure_;
};

// A thread's part of a loop.
struct Share {
  std::int64_t calls;
  double seconds;
};

// This thread is in a loop that others may share.
thread_local bool inside_loop = false;

class Pool {
 public:
  // What this thread did itself; nothing, and nothing is done, when another thread of the program has a loop running.
  std::optional<Share> run(Loop& loop, int threads) {
    const std::unique_lock lock(busy_, std::try_to_lock);
    if (!lock) return std::nullopt;
    add_workers(static_cast<std::size_t>(threads) - 1);
    loop_ = &loop;
    left_.store(0, std::memory_order_relaxed);
    places_.store(threads - 1, std::memory_order_release);
    loops_.fetch_add(1, std::memory_order_release);
    loops_.notify_all();
    inside_loop = true;
    const auto start = std::chrono::steady_clock::now();
    const std::int64_t calls = loop.work();
    const Share share{calls, seconds_since(start)};
    inside_loop = false;
    const int joined = threads - 1 - places_.exchange(0, std::memory_order_acq_rel);
    for (int left; (left = left_.load(std::memory_order_acquire)) != joined;) wait_while(left_, left);
    return share;
  }

 private:
  // A system that has no more threads to give is no failure: the work is done by those that there are.
  void add_workers(std::size_t wanted) {
    try {
      while (workers_.size() < wanted) workers_.emplace_back([this] { serve(); });
    } catch (const std::system_error&) {
    }
  }

  // Takes a place in the loop that is running, if one is free.
  bool join() {
    int free = places_.load(std::memory_order_acquire);
    while (free > 0)
      if (places_.compare_exchange_weak(free, free - 1, std::memory_order_acq_rel)) return true;
    return false;
  }

  [[noreturn]] void serve() {
    inside_loop = true;
    for (;;) {
      const int seen = loops_.load(std::memory_order_acquire);
      if (!join()) {
        wait_while(loops_, seen);
        continue;
      }
      loop_->work();
      left_.fetch_add(1, std::memory_order_acq_rel);
      left_.notify_one();
    }
  }

  std::mutex busy_;
  std::vector<std::thread> workers_;
  Loop* loop_ = nullptr;
  std::atomic<int> loops_{0};   // changes with every loop
  std::atomic<int> places_{0};  // for workers that may still join
  std::atomic<int> left_{0};    // workers that have joined and left
};

// Never destroyed: its threads sleep until the process ends.
Pool& pool() {
  static Pool& instance = *new Pool;
  return instance;
}

}  // namespace

void set_thread_count(int count) {
  if (count < 0 || count > kMaxThreads)
    throw Error(fmt::format("{} threads asked for, expected 0 (all cores) to {}", count, kMaxThreads));
  configured_threads() = count == 0 ? available_threads() : count;
}

int thread_count() {
  return configured_threads();
}

double LoopHistory::expected_seconds(std::int64_t count) const {
  return static_cast<double>(count) *
         static_cast<double>(seconds_per_call_[slot(count)].load(std::memory_order_relaxed));
}

// A thread that loses its processor within a loop makes it look long: one loop changes the expectation by no more than
// a factor. Up faster than down, since loops of different sizes may share a place: the longer ones count.
void LoopHistory::remember(std::int64_t count, std::int64_t calls, double seconds) {
  if (calls <= 0) return;
  std::atomic<float>& slot_value = seconds_per_call_[slot(count)];
  const float now = std::max(static_cast<float>(seconds / static_cast<double>(calls)), 1e-9F);
  const float before = slot_value.load(std::memory_order_relaxed);
  slot_value.store(before == 0 ? now : std::clamp(now, before / 2, 4 * before), std::memory_order_relaxed);
}

void run_loop(LoopHistory& history, std::int64_t count, void (*call)(void* body, std::int64_t i), void* body) {
  Loop loop(count, call, body);
  const int threads = thread_count();
  if (count <= 1 || threads == 1 || inside_loop) return loop.alone();
  const double expected = history.expected_seconds(count);
  if (expected > 0 && expected < kWorthwhileSeconds) {
    const auto start = std::chrono::steady_clock::now();
    loop.alone();
    return history.remember(count, count, seconds_since(start));
  }
  const std::optional<Share> share = pool().run(loop, threads);
  if (!share) return loop.alone();
  history.remember(count, share->calls, share->seconds);
  loop.rethrow();
}

}  // namespace cardiograd
