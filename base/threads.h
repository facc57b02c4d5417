// The one thread pool. Results never depend on the number of threads, because work is cut into pieces by the shape of
// the problem, and each piece is computed whole by one thread.
//
// A loop begins on the thread that calls it. Other threads join in when the system has a processor for them, and only
// those that joined are waited for: beside other busy processes a loop takes no longer than on one thread. Loops too
// short to gain from a second thread wake none.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

namespace cardiograd {

// Threads that parallel_for uses from now on, the calling one among them; 0 means one per available core. Throws Error
// outside 0 ... 1024.
void set_thread_count(int count);
// Threads that parallel_for uses.
int thread_count();

// What the loops of one place in the code have taken so far, by their number of calls.
class LoopHistory {
 public:
  // Seconds that `count` calls will take on one thread; 0 when nothing is known, negative never.
  double expected_seconds(std::int64_t count) const;
  // One thread has taken `seconds` for `calls` of `count`.
  void remember(std::int64_t count, std::int64_t calls, double seconds);

 private:
  static std::size_t slot(std::int64_t count) { return static_cast<std::size_t>(count) % kSlots; }

  static constexpr std::size_t kSlots = 16;
  std::array<std::atomic<float>, kSlots> seconds_per_call_{};  // 0: not known
};

// parallel_for of a body without a type: call(body, i).
void run_loop(LoopHistory& history, std::int64_t count, void (*call)(void* body, std::int64_t i), void* body);

// Calls body(i) once for each i in 0 ... count-1, in any order, on any thread. The first exception is rethrown here
// when all threads have stopped; calls that had not begun by then are left out. Inside a loop that several threads
// share the calls run on the calling thread.
template <class Body>
void parallel_for(std::int64_t count, Body&& body) {
  using Type = std::remove_reference_t<Body>;
  static LoopHistory history;  // Each place has a type of its own: that of its lambda.
  const auto call = [](void* address, std::int64_t i) { (*static_cast<Type*>(address))(i); };
  run_loop(history, count, call, const_cast<std::remove_const_t<Type>*>(std::addressof(body)));
}

}  // namespace cardiograd
