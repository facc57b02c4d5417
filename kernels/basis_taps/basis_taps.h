// The taps of a convolution to both sides whose kernels are sums of fixed functions: each channel and direction mixes
// its own with trained coefficients. So the kernel of a state space model depends on its output matrix C
// (model/s4.h).
//
//   past[j, c]   = sum over m of basis[j, m, c] * a[0, m, c]        of the sample j steps back; + skip[c] where j = 0
//   future[j, c] = sum over m of basis[j, m, c] * a[1, m, c]        of the sample j + 1 steps ahead, j < L - 1
//   w = past from j = L-1 down to 0, then future: the taps of long_conv1d with `before` L - 1
//
//   basis (L, M, C)     a, da (2, M, C)     skip, dskip (C)     w, dw (2 * L - 1, C)
//
//   basis_taps_forward    w =
//   basis_taps_backward   da +=, dskip +=; da null, dskip null: left out. The basis has no gradient.
#pragma once

#include <cstdint>

#include "kernels/common/stream.h"

namespace cardiograd::kernels {

struct BasisTapsShape {
  std::int64_t length = 1;  // L
  std::int64_t terms = 1;   // M
  std::int64_t channels = 1;

  constexpr std::int64_t taps() const { return 2 * length - 1; }
};

void basis_taps_forward_cpu(const BasisTapsShape& s, const float* basis, const float* a, const float* skip, float* w);
void basis_taps_backward_cpu(const BasisTapsShape& s, const float* basis, const float* dw, float* da, float* dskip);

// The same on the GPU; pointers are to device memory.
void basis_taps_forward_cuda(const BasisTapsShape& s, const float* basis, const float* a, const float* skip, float* w,
                             Stream stream);
void basis_taps_backward_cuda(const BasisTapsShape& s, const float* basis, const float* dw, float* da, float* dskip,
                              Stream stream);

}  // namespace cardiograd::kernels
