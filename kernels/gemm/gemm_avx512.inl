// What the AVX-512 micro-kernels of floats and of bf16 pairs share (gemm_micro.inl).

#include <cstdint>

#include <immintrin.h>

namespace cardiograd::kernels {
namespace {

using Vector = __m512;
using Mask = __mmask16;
constexpr int kLanes = 16;
constexpr int kRows = 12;
constexpr int kVectors = 2;

inline Vector load(const float* from) {
  return _mm512_loadu_ps(from);
}
inline void store(float* to, Vector value) {
  _mm512_storeu_ps(to, value);
}
inline Mask first_lanes(int count) {
  return static_cast<Mask>((1U << count) - 1U);
}
inline Vector load_masked(const float* from, Mask mask) {
  return _mm512_maskz_loadu_ps(mask, from);
}
inline void store_masked(float* to, Mask mask, Vector value) {
  _mm512_mask_storeu_ps(to, mask, value);
}
inline void store_rows(float* to, Vector value) {
  store_masked(to, (1U << kRows) - 1U, value);
}

}  // namespace
}  // namespace cardiograd::kernels
