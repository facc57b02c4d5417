// The taps on the CPU, vectorized over channels: a task takes a tile of them through all steps.
#include <algorithm>
#include <cstdint>

#include "base/threads.h"
#include "kernels/basis_taps/basis_taps.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kTile = 64;

// body(first, width) for tiles of channels.
template <class Body>
void for_tiles(const BasisTapsShape& s, const Body& body) {
  parallel_for((s.channels + kTile - 1) / kTile,
               [&](std::int64_t task) { body(task * kTile, std::min(kTile, s.channels - task * kTile)); });
}

// sum += x * y, element by element.
void add_products(std::int64_t width, const float* __restrict x, const float* __restrict y, float* __restrict sum) {
  for (std::int64_t c = 0; c < width; ++c) sum[c] += x[c] * y[c];
}

}  // namespace

void basis_taps_forward_cpu(const BasisTapsShape& s, const float* basis, const float* a, const float* skip, float* w) {
  for_tiles(s, [&](std::int64_t first, std::int64_t width) {
    const auto tap = [&](std::int64_t k) { return w + k * s.channels + first; };
    for (std::int64_t k = 0; k < s.taps(); ++k) std::fill_n(tap(k), width, 0.0F);
    std::copy_n(skip + first, width, tap(s.length - 1));
    for (std::int64_t j = 0; j < s.length; ++j)
      for (std::int64_t m = 0; m < s.terms; ++m) {
        const float* from = basis + (j * s.terms + m) * s.channels + first;
        add_products(width, from, a + m * s.channels + first, tap(s.length - 1 - j));
        if (j < s.length - 1) add_products(width, from, a + (s.terms + m) * s.channels + first, tap(s.length + j));
      }
  });
}

void basis_taps_backward_cpu(const BasisTapsShape& s, const float* basis, const float* dw, float* da, float* dskip) {
  for_tiles(s, [&](std::int64_t first, std::int64_t width) {
    const auto tap = [&](std::int64_t k) { return dw + k * s.channels + first; };
    if (dskip != nullptr)
      for (std::int64_t c = 0; c < width; ++c) dskip[first + c] += tap(s.length - 1)[c];
    if (da == nullptr) return;
    for (std::int64_t m = 0; m < s.terms; ++m) {
      float past[kTile] = {};
      float future[kTile] = {};
      for (std::int64_t j = 0; j < s.length; ++j) {
        const float* from = basis + (j * s.terms + m) * s.channels + first;
        add_products(width, from, tap(s.length - 1 - j), past);
        if (j < s.length - 1) add_products(width, from, tap(s.length + j), future);
      }
      for (std::int64_t c = 0; c < width; ++c) da[m * s.channels + first + c] += past[c];
      for (std::int64_t c = 0; c < width; ++c) da[(s.terms + m) * s.channels + first + c] += future[c];
    }
  });
}

}  // namespace cardiograd::kernels
