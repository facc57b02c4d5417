#include <cstdint>

#include <immintrin.h>

namespace cardiograd::kernels {
namespace {

using Vector = __m256;
struct Mask {
  __m256i lanes;
  int count;
};
using Step = __m256;
constexpr int kLanes = 8;
constexpr int kRows = 6;
constexpr int kVectors = 2;
constexpr int kDepth = 1;

inline Vector load(const float* from) {
  return _mm256_loadu_ps(from);
}
inline void store(float* to, Vector value) {
  _mm256_storeu_ps(to, value);
}
inline Mask first_lanes(int count) {
  return {_mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)), count};
}
inline Vector load_masked(const float* from, Mask mask) {
  return _mm256_maskload_ps(from, mask.lanes);
}
// Not VMASKMOVPS, whose stores are many steps of microcode on some processors.
inline void store_masked(float* to, Mask mask, Vector value) {
  float all[kLanes];
  _mm256_storeu_ps(all, value);
  for (int i = 0; i < mask.count; ++i) to[i] = all[i];
}
inline Vector words_of(Vector first, Vector /*second*/) {
  return first;
}
inline void store_rows(float* to, Vector value) {
  static_assert(kRows == 6);
  _mm_storeu_ps(to, _mm256_castps256_ps128(value));
  _mm_storel_pi(reinterpret_cast<__m64*>(to + 4), _mm256_extractf128_ps(value, 1));
}
inline Step step_at(const char* address) {
  return _mm256_broadcast_ss(reinterpret_cast<const float*>(address));
}
inline Step first_of(const char* address) {
  return step_at(address);
}
inline Vector multiply_add(Step step, Vector b, Vector sum) {
  return _mm256_fmadd_ps(step, b, sum);
}

}  // namespace
}  // namespace cardiograd::kernels

#include "kernels/gemm/gemm_micro.inl"

namespace cardiograd::kernels {

const GemmKernel kGemmAvx2 = {"avx2", kRows, kColumns, kDepth, compute_tile, pack_panels, pack_transposed};

}  // namespace cardiograd::kernels
