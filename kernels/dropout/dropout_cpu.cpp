#include <algorithm>
#include <cstring>

#include "base/philox.h"
#include "base/threads.h"
#include "kernels/common/scratch.h"
#include "kernels/dropout/dropout_op.h"

namespace cardiograd::kernels {
namespace {

// Philox blocks per inner loop: the loops over this index become vector instructions.
constexpr int kBlocks = 16;
constexpr std::int64_t kGroup = 4 * kBlocks;  // elements that one group of blocks covers
constexpr std::int64_t kChunk = 16384;        // elements per task, a multiple of kGroup

// The factors of elements group * 64 ... group * 64 + 63.
void group_factors(const DropoutKey& key, std::uint64_t group, std::uint32_t threshold, float scale, float* factors) {
  std::uint32_t c0[kBlocks];
  std::uint32_t c1[kBlocks];
  std::uint32_t c2[kBlocks];
  std::uint32_t c3[kBlocks];
  const std::uint64_t first = group * kBlocks;  // A group never crosses a multiple of 2^32 blocks.
  for (int i = 0; i < kBlocks; ++i) {
    c0[i] = static_cast<std::uint32_t>(first) + static_cast<std::uint32_t>(i);
    c1[i] = static_cast<std::uint32_t>(first >> 32);
    c2[i] = key.layer;
    c3[i] = key.step;
  }
  auto k0 = static_cast<std::uint32_t>(key.seed);
  auto k1 = static_cast<std::uint32_t>(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {  // philox() of base/philox.h, on kBlocks counters at once.
    for (int i = 0; i < kBlocks; ++i) {
      const std::uint64_t p0 = std::uint64_t{kPhiloxMultiplier0} * c0[i];
      const std::uint64_t p1 = std::uint64_t{kPhiloxMultiplier1} * c2[i];
      c0[i] = static_cast<std::uint32_t>(p1 >> 32) ^ c1[i] ^ k0;
      c2[i] = static_cast<std::uint32_t>(p0 >> 32) ^ c3[i] ^ k1;
      c1[i] = static_cast<std::uint32_t>(p1);
      c3[i] = static_cast<std::uint32_t>(p0);
    }
    k0 += kPhiloxWeyl0;
    k1 += kPhiloxWeyl1;
  }
  for (int i = 0; i < kBlocks; ++i) {
    factors[4 * i] = c0[i] >= threshold ? scale : 0.0F;
    factors[4 * i + 1] = c1[i] >= threshold ? scale : 0.0F;
    factors[4 * i + 2] = c2[i] >= threshold ? scale : 0.0F;
    factors[4 * i + 3] = c3[i] >= threshold ? scale : 0.0F;
  }
}

}  // namespace

const float* dropout_factors_cpu(const DropoutKey& key, std::int64_t first, std::int64_t count) {
  const std::uint32_t threshold = dropout_threshold(key.probability);
  const float scale = dropout_scale(key.probability);
  const std::int64_t first_group = first / kGroup;
  const std::int64_t last_group = (first + count + kGroup - 1) / kGroup;
  float* factors = scratch(ScratchUse::kMask, (last_group - first_group) * kGroup);
  for (std::int64_t group = first_group; group < last_group; ++group)
    group_factors(key, static_cast<std::uint64_t>(group), threshold, scale, factors + (group - first_group) * kGroup);
  return factors + (first - first_group * kGroup);
}

void dropout_cpu(const DropoutShape& s, const float* x, float* y) {
  parallel_for((s.count + kChunk - 1) / kChunk, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * kChunk;
    const std::int64_t count = std::min(kChunk, s.count - first);
    const float* factors = dropout_factors_cpu(s.key, first, count);
    for (std::int64_t i = 0; i < count; ++i) y[first + i] = x[first + i] * factors[i];
  });
}

}  // namespace cardiograd::kernels
