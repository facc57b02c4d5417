// The GPU of a build with CUDA kernels, or the host that stands in for it in the preset simt.
#pragma once

#include <memory>

#include "bench/desk/machine.h"

namespace cardiograd::bench {

// Throws Error where there is no GPU.
std::unique_ptr<Machine> open_cuda_machine();

}  // namespace cardiograd::bench
