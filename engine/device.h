// Where a tensor lives and which kernels run on it.
#pragma once

#include <string>
#include <string_view>

namespace cardiograd {

enum class Device { kCpu, kCuda };

// "cpu" or "cuda".
const char* device_name(Device device);

// "cpu", or "cuda (NVIDIA GeForce RTX 3050, sm_86, 8.0 GB)". Throws Error for kCuda where it is not available.
std::string describe_device(Device device);

// True when this build has CUDA kernels and something to run them: a GPU, or in the preset simt the host.
bool cuda_available();

// "cpu", "cuda", or "auto": the GPU when there is one; the host's emulation of one is only taken when asked for by
// name. Throws Error for "cuda" where it is not available, saying why, and UsageError for any other word.
Device parse_device(std::string_view name);

}  // namespace cardiograd
