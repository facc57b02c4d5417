// Which of the kernels compiled for several instruction sets this processor runs. The environment variable
// CARDIOGRAD_ISA forbids the wider ones: avx2, avx512 (without BF16) or avx512_bf16.
#pragma once

namespace cardiograd::kernels {

// True when the processor has AVX-512 (F, BW, DQ, VL) and the variable is not "avx2". Throws UsageError when the
// variable is another word, or asks for what the processor has not.
bool use_avx512();
// True when it also has the instructions for bf16 (AVX512-BF16) and the variable is neither "avx2" nor "avx512".
bool use_avx512_bf16();

}  // namespace cardiograd::kernels
