// Which of the kernels compiled for several instruction sets this processor runs.
#pragma once

namespace cardiograd::kernels {

// True when the processor has AVX-512 (F, BW, DQ, VL) and the environment variable CARDIOGRAD_ISA is not "avx2".
// Throws UsageError when the variable is another word than avx2 or avx512, or asks for what the processor has not.
bool use_avx512();

}  // namespace cardiograd::kernels
