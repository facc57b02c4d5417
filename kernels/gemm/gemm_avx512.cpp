#define CARDIOGRAD_LANES 16
#define CARDIOGRAD_ROWS 12
#define CARDIOGRAD_VECTORS 2
#include "kernels/gemm/gemm_micro.inl"

namespace cardiograd::kernels {

const GemmKernel kGemmAvx512 = {"avx512", kRows, kColumns, compute_tile};

}  // namespace cardiograd::kernels
