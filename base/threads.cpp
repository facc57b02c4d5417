#include "base/threads.h"

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd {
namespace {

constexpr int kMaxThreads = 1024;

std::atomic<int>& configured_threads() {
  static std::atomic<int> threads{omp_get_num_procs()};
  return threads;
}

}  // namespace

void set_thread_count(int count) {
  if (count < 0 || count > kMaxThreads)
    throw Error(fmt::format("{} threads asked for, expected 0 (all cores) to {}", count, kMaxThreads));
  configured_threads() = count == 0 ? omp_get_num_procs() : count;
}

int thread_count() {
  return configured_threads();
}

}  // namespace cardiograd
