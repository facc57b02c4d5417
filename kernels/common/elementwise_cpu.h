// Cutting long loops into pieces for threads.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/threads.h"

namespace cardiograd::kernels {

// Elements per task of an element-wise kernel: 64 KiB of each buffer, so that the tasks of one thread stay in its cache
// and handing them out costs nothing measurable.
inline constexpr std::int64_t kElementsPerTask = std::int64_t{1} << 14;

// Rows of `width` elements per task, at least one.
inline std::int64_t rows_per_task(std::int64_t width) {
  return std::max<std::int64_t>(1, kElementsPerTask / std::max<std::int64_t>(1, width));
}

// Calls body(first, last) for pieces of 0 ... count-1 that depend on `count` and `piece` alone, over all threads.
template <class Body>
void parallel_ranges(std::int64_t count, std::int64_t piece, Body&& body) {
  parallel_for((count + piece - 1) / piece,
               [&](std::int64_t task) { body(task * piece, std::min(count, (task + 1) * piece)); });
}

}  // namespace cardiograd::kernels
