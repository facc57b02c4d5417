// Addition in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/add/add.h"

namespace cardiograd::kernels {

template <class Real>
void add_forward_ref(const AddShape& s, const Real* a, const Real* b, Real* y) {
  for (std::int64_t i = 0; i < s.count; ++i) y[i] = a[i] + b[i % s.period];
}

template <class Real>
void add_backward_broadcast_ref(const AddShape& s, const Real* dy, Real* db) {
  for (std::int64_t i = 0; i < s.count; ++i) db[i % s.period] += dy[i];
}

template <class Real>
void accumulate_forward_ref(const AddShape& s, const Real* x, Real* y) {
  for (std::int64_t i = 0; i < s.count; ++i) y[i] += x[i];
}

}  // namespace cardiograd::kernels
