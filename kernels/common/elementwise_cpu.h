// Cutting long loops into pieces for threads, and sums that the compiler can vectorise.
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

// The sum of term(0) ... term(count-1): element i goes to partial sum i % 32, and the partial sums are added in a tree.
// A single chain of additions may not be reordered by the compiler; 32 of them are four AVX registers.
template <class Term>
inline float lane_sum(std::int64_t count, Term&& term) {
  constexpr std::int64_t kLanes = 32;
  float lanes[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    for (std::int64_t lane = 0; lane < kLanes; ++lane) lanes[lane] += term(i + lane);
  for (std::int64_t lane = 0; i + lane < count; ++lane) lanes[lane] += term(i + lane);
  for (std::int64_t half = kLanes / 2; half > 0; half /= 2)
    for (std::int64_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  return lanes[0];
}

}  // namespace cardiograd::kernels
