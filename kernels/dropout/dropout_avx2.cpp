#include <immintrin.h>

#include "kernels/dropout/dropout_micro.h"

namespace cardiograd::kernels {
namespace {

constexpr int kLanes = 8;  // Philox blocks per vector

// The high and low halves of eight 32 x 32 bit products.
inline void multiply(__m256i a, __m256i multiplier, __m256i& high, __m256i& low) {
  const __m256i even = _mm256_mul_epu32(a, multiplier);
  const __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), multiplier);
  high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xAA);
  low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xAA);
}

inline __m256i factor(__m256i words, __m256i threshold, __m256i scale) {
  return _mm256_and_si256(_mm256_cmpeq_epi32(_mm256_max_epu32(words, threshold), words), scale);
}

void blocks(const DropoutGroup& g, std::uint32_t first, float* factors) {
  // Lane j takes block 2 j, lane 4 + j block 2 j + 1: the transposition below works within 128 bits and then leaves the
  // words in the order of the elements.
  const __m256i lanes = _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7);
  __m256i c0 = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(first)), lanes);
  __m256i c1 = _mm256_set1_epi32(static_cast<int>(g.counter_high));
  __m256i c2 = _mm256_set1_epi32(static_cast<int>(g.layer));
  __m256i c3 = _mm256_set1_epi32(static_cast<int>(g.step));
  const __m256i m0 = _mm256_set1_epi64x(0xD2511F53);
  const __m256i m1 = _mm256_set1_epi64x(0xCD9E8D57);
  std::uint32_t k0 = g.key_low;
  std::uint32_t k1 = g.key_high;
  for (int round = 0; round < 10; ++round) {  // philox() of base/philox.h
    __m256i high0;
    __m256i high1;
    __m256i low0;
    __m256i low1;
    multiply(c0, m0, high0, low0);
    multiply(c2, m1, high1, low1);
    c0 = _mm256_xor_si256(_mm256_xor_si256(high1, c1), _mm256_set1_epi32(static_cast<int>(k0)));
    c2 = _mm256_xor_si256(_mm256_xor_si256(high0, c3), _mm256_set1_epi32(static_cast<int>(k1)));
    c1 = low1;
    c3 = low0;
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  const __m256i threshold = _mm256_set1_epi32(static_cast<int>(g.threshold));
  const __m256i scale = _mm256_castps_si256(_mm256_set1_ps(g.scale));
  const __m256i f0 = factor(c0, threshold, scale);
  const __m256i f1 = factor(c1, threshold, scale);
  const __m256i f2 = factor(c2, threshold, scale);
  const __m256i f3 = factor(c3, threshold, scale);
  const __m256i f01_low = _mm256_unpacklo_epi32(f0, f1);
  const __m256i f01_high = _mm256_unpackhi_epi32(f0, f1);
  const __m256i f23_low = _mm256_unpacklo_epi32(f2, f3);
  const __m256i f23_high = _mm256_unpackhi_epi32(f2, f3);
  auto* out = reinterpret_cast<__m256i*>(factors);
  _mm256_storeu_si256(out, _mm256_unpacklo_epi64(f01_low, f23_low));
  _mm256_storeu_si256(out + 1, _mm256_unpackhi_epi64(f01_low, f23_low));
  _mm256_storeu_si256(out + 2, _mm256_unpacklo_epi64(f01_high, f23_high));
  _mm256_storeu_si256(out + 3, _mm256_unpackhi_epi64(f01_high, f23_high));
}

}  // namespace

void dropout_group_avx2(const DropoutGroup& group, float* factors) {
  for (int first = 0; first < kDropoutBlocks; first += kLanes)
    blocks(group, group.counter_low + static_cast<std::uint32_t>(first), factors + 4 * first);
}

}  // namespace cardiograd::kernels
