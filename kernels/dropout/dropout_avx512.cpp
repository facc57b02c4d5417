#include <cstdint>

#include <immintrin.h>

namespace cardiograd::kernels {
namespace {

using Words = __m512i;
constexpr int kLanes = 16;

inline Words all(std::uint32_t word) {
  return _mm512_set1_epi32(static_cast<int>(word));
}
inline Words all_wide(std::uint32_t word) {
  return _mm512_set1_epi64(word);
}
inline Words lane_order() {
  return _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
}
inline Words add(Words a, Words b) {
  return _mm512_add_epi32(a, b);
}
inline Words mix(Words a, Words b, Words c) {
  return _mm512_ternarylogic_epi32(a, b, c, 0x96);  // the truth table of a ^ b ^ c
}
inline void multiply(Words a, Words multiplier, Words& high, Words& low) {
  const Words even = _mm512_mul_epu32(a, multiplier);
  const Words odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), multiplier);
  high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
  low = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
}
inline Words keep(Words words, Words threshold, float scale) {
  return _mm512_maskz_mov_epi32(_mm512_cmpge_epu32_mask(words, threshold), _mm512_castps_si512(_mm512_set1_ps(scale)));
}
inline Words unpack_low32(Words a, Words b) {
  return _mm512_unpacklo_epi32(a, b);
}
inline Words unpack_high32(Words a, Words b) {
  return _mm512_unpackhi_epi32(a, b);
}
inline Words unpack_low64(Words a, Words b) {
  return _mm512_unpacklo_epi64(a, b);
}
inline Words unpack_high64(Words a, Words b) {
  return _mm512_unpackhi_epi64(a, b);
}
inline void store(Words words, float* to) {
  _mm512_storeu_si512(to, words);
}

}  // namespace
}  // namespace cardiograd::kernels

#include "kernels/dropout/dropout_micro.inl"

namespace cardiograd::kernels {

void dropout_group_avx512(const DropoutGroup& group, float* factors) {
  fill_group(group, factors);
}

}  // namespace cardiograd::kernels
