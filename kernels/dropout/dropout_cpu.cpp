#include <algorithm>
#include <utility>

#include "base/threads.h"
#include "kernels/common/instruction_set.h"
#include "kernels/common/scratch.h"
#include "kernels/dropout/dropout.h"
#include "kernels/dropout/dropout_micro.h"

namespace cardiograd::kernels {
namespace {

constexpr std::int64_t kChunk = 16384;  // elements per task, a multiple of kDropoutGroup
constexpr std::int64_t kPiece = 2048;   // of which the factors stay in the first cache

}  // namespace

const float* dropout_factors_cpu(const DropoutKey& key, std::int64_t first, std::int64_t count) {
  static const DropoutGroupFunction fill = use_avx512() ? dropout_group_avx512 : dropout_group_avx2;
  first += key.first;
  const std::int64_t first_group = first / kDropoutGroup;
  const std::int64_t last_group = (first + count + kDropoutGroup - 1) / kDropoutGroup;
  float* factors = scratch(ScratchUse::kMask, (last_group - first_group + 1) * kDropoutGroup);
  DropoutGroup group = {.counter_low = 0,
                        .counter_high = 0,
                        .layer = key.layer,
                        .step = key.step,
                        .keys = {},
                        .threshold = dropout_threshold(key.probability),
                        .scale = dropout_scale(key.probability)};
  auto low = static_cast<std::uint32_t>(key.seed), high = static_cast<std::uint32_t>(key.seed >> 32);
  for (std::uint32_t(&round)[2] : group.keys) {
    round[0] = std::exchange(low, low + 0x9E3779B9U);
    round[1] = std::exchange(high, high + 0xBB67AE85U);
  }
  for (std::int64_t index = first_group; index < last_group; ++index) {
    const std::uint64_t counter = static_cast<std::uint64_t>(index) * kDropoutBlocks;
    group.counter_low = static_cast<std::uint32_t>(counter);
    group.counter_high = static_cast<std::uint32_t>(counter >> 32);
    fill(group, factors + (index - first_group) * kDropoutGroup);
  }
  return factors + (first - first_group * kDropoutGroup);
}

void dropout_range_cpu(const DropoutKey& key, std::int64_t first, std::int64_t count, const float* x, float* y) {
  for (std::int64_t at = first; at < first + count; at += kPiece) {
    const std::int64_t piece = std::min(kPiece, first + count - at);
    const float* factors = dropout_factors_cpu(key, at, piece);
    for (std::int64_t i = 0; i < piece; ++i) y[at + i] = x[at + i] * factors[i];
  }
}

void dropout_cpu(const DropoutShape& s, const float* x, float* y) {
  parallel_for((s.count + kChunk - 1) / kChunk, [&](std::int64_t chunk) {
    const std::int64_t first = chunk * kChunk;
    dropout_range_cpu(s.key, first, std::min(kChunk, s.count - first), x, y);
  });
}

}  // namespace cardiograd::kernels
