// Turns a status of the CUDA runtime into an exception. For launchers.
#pragma once

#include <string>

#include "base/error.h"
#include "kernels/simt/simt.h"

namespace cardiograd::kernels {

// Throws Error("<what>: <CUDA's words>") unless status is cudaSuccess.
inline void check_cuda(cudaError_t status, const std::string& what) {
  if (status != cudaSuccess)
    throw Error(what + ": " + cudaGetErrorString(status), "nvidia-smi shows what the card and its driver are doing");
}

}  // namespace cardiograd::kernels
