#include <immintrin.h>

#include "kernels/dropout/dropout_micro.h"

namespace cardiograd::kernels {
namespace {

// The high and low halves of sixteen 32 x 32 bit products.
inline void multiply(__m512i a, __m512i multiplier, __m512i& high, __m512i& low) {
  const __m512i even = _mm512_mul_epu32(a, multiplier);
  const __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), multiplier);
  high = _mm512_mask_blend_epi32(0xAAAA, _mm512_srli_epi64(even, 32), odd);
  low = _mm512_mask_blend_epi32(0xAAAA, even, _mm512_slli_epi64(odd, 32));
}

inline __m512i factor(__m512i words, __m512i threshold, __m512i scale) {
  return _mm512_maskz_mov_epi32(_mm512_cmpge_epu32_mask(words, threshold), scale);
}

}  // namespace

void dropout_group_avx512(const DropoutGroup& g, float* factors) {
  // Lane 4 q + j takes block 4 j + q: the transposition below works within 128 bits and then leaves the words in the
  // order of the elements.
  const __m512i lanes = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  __m512i c0 = _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(g.counter_low)), lanes);
  __m512i c1 = _mm512_set1_epi32(static_cast<int>(g.counter_high));
  __m512i c2 = _mm512_set1_epi32(static_cast<int>(g.layer));
  __m512i c3 = _mm512_set1_epi32(static_cast<int>(g.step));
  const __m512i m0 = _mm512_set1_epi64(0xD2511F53);
  const __m512i m1 = _mm512_set1_epi64(0xCD9E8D57);
  std::uint32_t k0 = g.key_low;
  std::uint32_t k1 = g.key_high;
  for (int round = 0; round < 10; ++round) {  // philox() of base/philox.h
    __m512i high0;
    __m512i high1;
    __m512i low0;
    __m512i low1;
    multiply(c0, m0, high0, low0);
    multiply(c2, m1, high1, low1);
    constexpr int kXor3 = 0x96;  // truth table of a ^ b ^ c
    c0 = _mm512_ternarylogic_epi32(high1, c1, _mm512_set1_epi32(static_cast<int>(k0)), kXor3);
    c2 = _mm512_ternarylogic_epi32(high0, c3, _mm512_set1_epi32(static_cast<int>(k1)), kXor3);
    c1 = low1;
    c3 = low0;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  const __m512i threshold = _mm512_set1_epi32(static_cast<int>(g.threshold));
  const __m512i scale = _mm512_castps_si512(_mm512_set1_ps(g.scale));
  const __m512i f0 = factor(c0, threshold, scale);
  const __m512i f1 = factor(c1, threshold, scale);
  const __m512i f2 = factor(c2, threshold, scale);
  const __m512i f3 = factor(c3, threshold, scale);
  const __m512i f01_low = _mm512_unpacklo_epi32(f0, f1);
  const __m512i f01_high = _mm512_unpackhi_epi32(f0, f1);
  const __m512i f23_low = _mm512_unpacklo_epi32(f2, f3);
  const __m512i f23_high = _mm512_unpackhi_epi32(f2, f3);
  _mm512_storeu_si512(factors, _mm512_unpacklo_epi64(f01_low, f23_low));
  _mm512_storeu_si512(factors + 16, _mm512_unpackhi_epi64(f01_low, f23_low));
  _mm512_storeu_si512(factors + 32, _mm512_unpacklo_epi64(f01_high, f23_high));
  _mm512_storeu_si512(factors + 48, _mm512_unpackhi_epi64(f01_high, f23_high));
}

}  // namespace cardiograd::kernels
