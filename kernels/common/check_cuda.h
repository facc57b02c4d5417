// Turns a status of the CUDA runtime into an exception. For launchers.
#pragma once

#include <string>

#include "base/error.h"
#include "kernels/common/runtime_cuda.h"

namespace cardiograd::kernels {

// What to do about a status, in words.
inline std::string cuda_hint(cudaError_t status) {
  if (status == cudaErrorInsufficientDriver) {  // 35
    int driver = 0;
    int runtime = 0;
    cudaDriverGetVersion(&driver);
    cudaRuntimeGetVersion(&runtime);
    const auto text = [](int version) {
      return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
    };
    return "this program was built with CUDA " + text(runtime) +
           (driver == 0 ? " and there is no NVIDIA driver" : ", the NVIDIA driver knows CUDA " + text(driver)) +
           ": install a newer driver, build with an older toolkit, or use --device cpu";
  }
  return "nvidia-smi shows what the GPU and its driver are doing";
}

// Throws Error("<what>: <CUDA's words>") unless status is cudaSuccess.
inline void check_cuda(cudaError_t status, const std::string& what) {
  if (status != cudaSuccess)
    throw Error(what + ": " + cudaGetErrorString(status) + " (error " + std::to_string(static_cast<int>(status)) + ")",
                cuda_hint(status));
}

}  // namespace cardiograd::kernels
