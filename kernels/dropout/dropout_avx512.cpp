#include <cstdint>

#include <immintrin.h>

namespace cardiograd::kernels {
namespace {

using Words = __m512i;
constexpr int kLanes = 8;
constexpr int kBeside = 4;

inline Words all(std::uint32_t word) {
  return _mm512_set1_epi32(static_cast<int>(word));
}
inline Words lane_order() {
  return _mm512_setr_epi32(0, 0, 4, 0, 1, 0, 5, 0, 2, 0, 6, 0, 3, 0, 7, 0);
}
inline Words add(Words a, Words b) {
  return _mm512_add_epi32(a, b);
}
inline Words mix(Words a, Words b, Words c) {
  return _mm512_ternarylogic_epi32(a, b, c, 0x96);  // the truth table of a ^ b ^ c
}
inline Words multiply(Words a, Words b) {
  return _mm512_mul_epu32(a, b);
}
inline Words high(Words a) {
  return _mm512_srli_epi64(a, 32);
}
inline Words pairs(Words a, Words b) {
  return _mm512_mask_shuffle_epi32(a, 0xAAAA, b, _MM_PERM_CCAA);
}
inline Words unpack_low(Words a, Words b) {
  return _mm512_unpacklo_epi64(a, b);
}
inline Words unpack_high(Words a, Words b) {
  return _mm512_unpackhi_epi64(a, b);
}
inline Words keep(Words words, Words threshold, float scale) {
  return _mm512_maskz_mov_epi32(_mm512_cmpge_epu32_mask(words, threshold), _mm512_castps_si512(_mm512_set1_ps(scale)));
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
