#include <immintrin.h>

namespace cardiograd::kernels {
namespace {

using Vector = __m256;
constexpr int kLanes = 8;
constexpr int kBlock = 7;

inline Vector load(const float* from) {
  return _mm256_load_ps(from);
}
inline void store(float* to, Vector value) {
  _mm256_store_ps(to, value);
}
inline Vector multiply_add(Vector a, Vector b, Vector sum) {
  return _mm256_fmadd_ps(a, b, sum);
}

}  // namespace
}  // namespace cardiograd::kernels

#include "kernels/long_conv1d/long_conv1d_micro.inl"

namespace cardiograd::kernels {

const LongConvKernel kLongConvAvx2 = {kLanes, kBlock, correlate};

}  // namespace cardiograd::kernels
