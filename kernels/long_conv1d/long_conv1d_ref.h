// The long convolution in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/long_conv1d/long_conv1d.h"

namespace cardiograd::kernels {

// Calls body(x, w, y), the places of a product's factors and its sum, for every product.
template <class Body>
void for_products_ref(const LongConv1dShape& s, Body&& body) {
  for (std::int64_t n = 0; n < s.batch; ++n)
    for (std::int64_t k = 0; k < s.taps; ++k)
      for (std::int64_t t = s.first_sample(k); t < s.last_sample(k); ++t)
        for (std::int64_t c = 0; c < s.channels; ++c)
          body((n * s.time + t + k - s.before) * s.channels + c, k * s.channels + c, (n * s.time + t) * s.channels + c);
}

template <class Real>
void long_conv1d_forward_ref(const LongConv1dShape& s, const Real* x, const Real* w, Real* y) {
  for (std::int64_t i = 0; i < s.batch * s.time * s.channels; ++i) y[i] = 0;
  for_products_ref(s, [&](std::int64_t from, std::int64_t tap, std::int64_t to) { y[to] = y[to] + x[from] * w[tap]; });
}

template <class Real>
void long_conv1d_backward_ref(const LongConv1dShape& s, const Real* x, const Real* w, const Real* dy, Real* dx,
                              Real* dw) {
  for (std::int64_t i = 0; i < s.batch * s.time * s.channels; ++i) dx[i] = 0;
  for_products_ref(s, [&](std::int64_t from, std::int64_t tap, std::int64_t to) {
    dx[from] = dx[from] + dy[to] * w[tap];
    if (dw != nullptr) dw[tap] = dw[tap] + dy[to] * x[from];
  });
}

}  // namespace cardiograd::kernels
