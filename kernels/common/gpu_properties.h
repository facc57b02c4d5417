// What the GPU that is in use has, for launchers that choose by it.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

struct GpuProperties {
  int compute_capability = 0;                                // 86 for 8.6
  std::int64_t shared_memory = 0;                            // bytes that one block may ask for
  bool has_mma() const { return compute_capability >= 80; }  // tensor cores for tf32 and bf16
};

// Of the present device; all zero where there is no GPU. Throws Error where it does not answer.
GpuProperties gpu_properties();

}  // namespace cardiograd::kernels
