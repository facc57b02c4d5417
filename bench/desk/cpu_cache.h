// The caches of this processor.
#pragma once

#include <cstddef>

namespace cardiograd::bench {

// Bytes of the last-level cache, 32 MiB where the system does not say.
std::size_t last_level_cache_bytes();

// Fills the caches of every core that parallel_for uses with other data.
void flush_cpu_caches();

}  // namespace cardiograd::bench
