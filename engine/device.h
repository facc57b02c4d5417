// Where a tensor lives and which kernels run on it.
#pragma once

#include <string_view>

namespace cardiograd {

enum class Device { kCpu, kCuda };

const char* device_name(Device device);

// True when this build has CUDA kernels and a card is there to run them.
bool cuda_available();

// "cpu", "cuda", or "auto" (the card when there is one). Throws Error for "cuda" where it is not available, saying why,
// and for any other word.
Device parse_device(std::string_view name);

}  // namespace cardiograd
