#include <immintrin.h>

namespace cardiograd::kernels {
namespace {

using Vector = __m512;
constexpr int kLanes = 16;
constexpr int kBlock = 12;

inline Vector load(const float* from) {
  return _mm512_load_ps(from);
}
inline void store(float* to, Vector value) {
  _mm512_store_ps(to, value);
}
inline Vector multiply_add(Vector a, Vector b, Vector sum) {
  return _mm512_fmadd_ps(a, b, sum);
}

}  // namespace
}  // namespace cardiograd::kernels

#include "kernels/long_conv1d/long_conv1d_micro.inl"

namespace cardiograd::kernels {

const LongConvKernel kLongConvAvx512 = {kLanes, kBlock, correlate};

}  // namespace cardiograd::kernels
