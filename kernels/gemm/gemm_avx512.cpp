#include "kernels/gemm/gemm_avx512.inl"

namespace cardiograd::kernels {
namespace {

using Step = __m512;
constexpr int kDepth = 1;

inline Step step_at(const char* address) {
  return _mm512_set1_ps(*reinterpret_cast<const float*>(address));
}
inline Step first_of(const char* address) {
  return step_at(address);
}
inline Vector multiply_add(Step step, Vector b, Vector sum) {
  return _mm512_fmadd_ps(step, b, sum);
}
inline Vector words_of(Vector first, Vector /*second*/) {
  return first;
}

}  // namespace
}  // namespace cardiograd::kernels

#include "kernels/gemm/gemm_micro.inl"

namespace cardiograd::kernels {

const GemmKernel kGemmAvx512 = {"avx512", kRows, kColumns, kDepth, compute_tile, pack_panels, pack_transposed};

}  // namespace cardiograd::kernels
