// The taps in plain loops: the text to read first, and in double the oracle for every other version.
#pragma once

#include <cstdint>

#include "kernels/basis_taps/basis_taps.h"

namespace cardiograd::kernels {

// Calls body(basis, a, w), the places of a product's factors and its sum, for every product.
template <class Body>
void for_terms_ref(const BasisTapsShape& s, Body&& body) {
  for (std::int64_t j = 0; j < s.length; ++j)
    for (std::int64_t m = 0; m < s.terms; ++m)
      for (std::int64_t c = 0; c < s.channels; ++c) {
        const std::int64_t from = (j * s.terms + m) * s.channels + c;
        body(from, m * s.channels + c, (s.length - 1 - j) * s.channels + c);
        if (j < s.length - 1) body(from, (s.terms + m) * s.channels + c, (s.length + j) * s.channels + c);
      }
}

template <class Real>
void basis_taps_forward_ref(const BasisTapsShape& s, const Real* basis, const Real* a, const Real* skip, Real* w) {
  for (std::int64_t i = 0; i < s.taps() * s.channels; ++i) w[i] = 0;
  for (std::int64_t c = 0; c < s.channels; ++c) w[(s.length - 1) * s.channels + c] = skip[c];
  for_terms_ref(s, [&](std::int64_t from, std::int64_t by, std::int64_t to) { w[to] = w[to] + basis[from] * a[by]; });
}

template <class Real>
void basis_taps_backward_ref(const BasisTapsShape& s, const Real* basis, const Real* dw, Real* da, Real* dskip) {
  if (dskip != nullptr)
    for (std::int64_t c = 0; c < s.channels; ++c) dskip[c] = dskip[c] + dw[(s.length - 1) * s.channels + c];
  if (da == nullptr) return;
  for_terms_ref(s,
                [&](std::int64_t from, std::int64_t by, std::int64_t to) { da[by] = da[by] + basis[from] * dw[to]; });
}

}  // namespace cardiograd::kernels
