// The one thread pool: OpenMP. Results never depend on the number of threads, because work is cut into pieces by the
// shape of the problem, and each piece is computed whole by one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <mutex>

#include <omp.h>

namespace cardiograd {

// Threads that parallel_for uses from now on; 0 means one per available core. Throws Error outside 0 ... 1024.
void set_thread_count(int count);
// Threads that parallel_for uses.
int thread_count();

// Calls body(i) once for each i in 0 ... count-1, in any order, on any thread. The first exception is rethrown here
// when all threads have stopped. Inside another parallel_for the calls run on the calling thread.
template <class Body>
void parallel_for(std::int64_t count, Body&& body) {
  if (count <= 1 || thread_count() == 1 || omp_in_parallel()) {
    for (std::int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::exception_ptr failure;
  std::mutex failure_mutex;
  std::atomic<bool> failed{false};
#pragma omp parallel for schedule(dynamic, 1) num_threads(thread_count())
  for (std::int64_t i = 0; i < count; ++i) {
    if (failed.load(std::memory_order_relaxed)) continue;
    try {
      body(i);
    } catch (...) {
      const std::lock_guard lock(failure_mutex);
      if (!failure) failure = std::current_exception();
      failed.store(true, std::memory_order_relaxed);
    }
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace cardiograd
