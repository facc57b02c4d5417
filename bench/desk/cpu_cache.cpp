#include "bench/desk/cpu_cache.h"

#include <algorithm>
#include <thread>
#include <vector>

#include <unistd.h>

#include "base/threads.h"

namespace cardiograd::bench {

std::size_t last_level_cache_bytes() {
  for (const int level : {_SC_LEVEL3_CACHE_SIZE, _SC_LEVEL2_CACHE_SIZE})
    if (const long bytes = sysconf(level); bytes > 0) return static_cast<std::size_t>(bytes);
  return std::size_t{32} << 20U;
}

void flush_cpu_caches() {
  constexpr std::size_t kLine = 64;
  // Twice the shared cache: what the replacement does not evict the first time goes the second time. Every thread
  // writes a part, because nobody else can empty its core's own caches.
  static std::vector<unsigned char> other(2 * last_level_cache_bytes());
  const std::size_t part =
      (other.size() + static_cast<std::size_t>(thread_count()) - 1) / static_cast<std::size_t>(thread_count());
  std::vector<std::jthread> threads;
  for (std::size_t begin = 0; begin < other.size(); begin += part)
    threads.emplace_back([begin, end = std::min(other.size(), begin + part)] {
      for (std::size_t i = begin; i < end; i += kLine) ++other[i];
    });
}

}  // namespace cardiograd::bench
