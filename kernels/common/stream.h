// The type of a CUDA stream, for code that does not include CUDA's headers.
#pragma once

struct CUstream_st;

namespace cardiograd::kernels {

// A cudaStream_t; null is CUDA's default stream.
using Stream = CUstream_st*;

}  // namespace cardiograd::kernels
