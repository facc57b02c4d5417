// The CUDA runtime for host code that a C++ compiler compiles: the GPU's, or simt/'s in the preset simt.
#pragma once

#if defined(CARDIOGRAD_SIMT)
#include "simt/runtime.h"
#else
#include <cuda_runtime.h>
#endif
