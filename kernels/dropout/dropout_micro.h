// 128 dropout factors at a time, by vector instructions: the interface between dropout_cpu.cpp and the files compiled
// for one instruction set each. Only plain types here.
#pragma once

#include <cstdint>

namespace cardiograd::kernels {

// Philox blocks and elements that one call covers.
inline constexpr int kDropoutBlocks = 32;
inline constexpr int kDropoutGroup = 4 * kDropoutBlocks;

struct DropoutGroup {
  std::uint32_t counter_low;  // of the first block; the 32 blocks do not cross 2^32
  std::uint32_t counter_high;
  std::uint32_t layer;
  std::uint32_t step;
  std::uint32_t keys[10][2];  // of each round
  std::uint32_t threshold;
  float scale;
};

// factors[i] = word i of the 32 blocks is at least `threshold` ? scale : 0, for i in 0 ... 127.
using DropoutGroupFunction = void (*)(const DropoutGroup& group, float* factors);
void dropout_group_avx2(const DropoutGroup& group, float* factors);
void dropout_group_avx512(const DropoutGroup& group, float* factors);

}  // namespace cardiograd::kernels
