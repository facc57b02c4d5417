// Sixty-four dropout factors at a time, by vector instructions: the interface between dropout_cpu.cpp and the files
// compiled for one instruction set each. Only plain types here.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// Philox blocks and elements that one call covers.
inline constexpr int kDropoutBlocks = 16;
inline constexpr int kDropoutGroup = 4 * kDropoutBlocks;

struct DropoutGroup {
  std::uint32_t counter_low;  // of the first block; the 16 blocks do not cross 2^32
  std::uint32_t counter_high;
  std::uint32_t layer;
  std::uint32_t step;
  std::uint32_t key_low;
  std::uint32_t key_high;
  std::uint32_t threshold;
  float scale;
};

// factors[i] = word i of the 16 blocks is at least `threshold` ? scale : 0, for i in 0 ... 63.
using DropoutGroupFunction = void (*)(const DropoutGroup& group, float* factors);
void dropout_group_avx2(const DropoutGroup& group, float* factors);
void dropout_group_avx512(const DropoutGroup& group, float* factors);

}  // namespace cardiograd::kernels
