// The CUDA runtime for host code that a C++ compiler compiles: the card's, or kernels/simt/'s in the preset simt.
#pragma once

#if defined(CARDIOGRAD_SIMT)
#include "kernels/simt/runtime.h"
#else
#include <cuda_runtime.h>
#endif
