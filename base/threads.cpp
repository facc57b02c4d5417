#include "base/threads.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/cpu_limit.h"
#include "base/error.h"

namespace cardiograd {
namespace {

constexpr int kMaxThreads = 1024;

// Processors that this process may run on; a container's quota may be less than its processors.
int available_threads() {
  return std::min(omp_get_num_procs(), cpu_limit().value_or(kMaxThreads));
}

std::atomic<int>& configured_threads() {
  static std::atomic<int> threads{available_threads()};
  return threads;
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

}  // namespace cardiograd
