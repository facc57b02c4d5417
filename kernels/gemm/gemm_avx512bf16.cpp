// Products of bf16 pairs (VDPBF16PS): a step adds two products to each sum. The instruction takes numbers below 2^-126
// for zero and rounds to nearest even.
#include <cstring>

#include "kernels/gemm/gemm_avx512.inl"

namespace cardiograd::kernels {
namespace {

using Step = __m512i;
constexpr int kDepth = 2;

inline Step step_at(const char* address) {
  std::int32_t pair;
  std::memcpy(&pair, address, sizeof(pair));
  return _mm512_set1_epi32(pair);
}
inline Step first_of(const char* address) {
  std::uint16_t first;
  std::memcpy(&first, address, sizeof(first));
  return _mm512_set1_epi32(first);
}
inline Vector multiply_add(Step step, Vector b, Vector sum) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(step), reinterpret_cast<__m512bh>(b));
}

inline Vector words_of(Vector first, Vector second) {
  alignas(64) static constexpr std::uint16_t kOrder[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                           21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                           11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
  const auto rounded = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
  return reinterpret_cast<Vector>(_mm512_permutexvar_epi16(_mm512_load_si512(kOrder), rounded));
}

}  // namespace
}  // namespace cardiograd::kernels

#include "kernels/gemm/gemm_micro.inl"

namespace cardiograd::kernels {

const GemmKernel kGemmAvx512Bf16 = {"avx512_bf16", kRows, kColumns, kDepth, compute_tile, pack_panels, pack_transposed};

void to_bf16_avx512bf16(std::int64_t count, const float* x, std::uint16_t* to) {
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + i), reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(load(x + i))));
  const auto left = static_cast<unsigned>(count - i);
  if (left == 0) return;
  const __m512 rest = load_masked(x + i, first_lanes(static_cast<int>(left)));
  const auto pairs = static_cast<__mmask8>((1U << ((left + 1) / 2)) - 1U);
  _mm256_mask_storeu_epi32(to + i, pairs, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(rest)));
}

}  // namespace cardiograd::kernels
