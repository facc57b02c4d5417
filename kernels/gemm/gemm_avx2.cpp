#define CARDIOGRAD_LANES 8
#define CARDIOGRAD_ROWS 6
#define CARDIOGRAD_VECTORS 2
#include "kernels/gemm/gemm_micro.inl"

namespace cardiograd::kernels {

const GemmKernel kGemmAvx2 = {"avx2", kRows, kColumns, compute_tile};

}  // namespace cardiograd::kernels
