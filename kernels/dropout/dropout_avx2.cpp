#include <cstdint>

#include <immintrin.h>

namespace cardiograd::kernels {
namespace {

using Words = __m256i;
constexpr int kLanes = 4;
constexpr int kBeside = 8;

inline Words all(std::uint32_t word) {
  return _mm256_set1_epi32(static_cast<int>(word));
}
inline Words lane_order() {
  return _mm256_setr_epi32(0, 0, 2, 0, 1, 0, 3, 0);
}
inline Words add(Words a, Words b) {
  return _mm256_add_epi32(a, b);
}
inline Words mix(Words a, Words b, Words c) {
  return _mm256_xor_si256(a, _mm256_xor_si256(b, c));  // what waits for a product comes last
}
inline Words multiply(Words a, Words b) {
  return _mm256_mul_epu32(a, b);
}
inline Words high(Words a) {
  return _mm256_srli_epi64(a, 32);
}
inline Words pairs(Words a, Words b) {
  return _mm256_blend_epi32(a, _mm256_slli_epi64(b, 32), 0xAA);
}
inline Words unpack_low(Words a, Words b) {
  return _mm256_unpacklo_epi64(a, b);
}
inline Words unpack_high(Words a, Words b) {
  return _mm256_unpackhi_epi64(a, b);
}
inline Words keep(Words words, Words threshold, float scale) {
  const Words at_least = _mm256_cmpeq_epi32(_mm256_max_epu32(words, threshold), words);
  return _mm256_and_si256(at_least, _mm256_castps_si256(_mm256_set1_ps(scale)));
}
inline void store(Words words, float* to) {
  _mm256_storeu_si256(reinterpret_cast<Words*>(to), words);
}

}  // namespace
}  // namespace cardiograd::kernels

#include "kernels/dropout/dropout_micro.inl"

namespace cardiograd::kernels {

void dropout_group_avx2(const DropoutGroup& group, float* factors) {
  fill_group(group, factors);
}

}  // namespace cardiograd::kernels
