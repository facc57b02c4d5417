// The marker of an invalid sample, which random numbers rarely hit.
#include "kernels/gather_batch/gather_batch.h"

#include <vector>

#include <gtest/gtest.h>

namespace cardiograd::kernels {
namespace {

TEST(GatherBatch, AnInvalidSampleBecomesTheMean) {
  const GatherBatchShape s = {.records = 3, .batch = 2, .time = 21, .channels = 12};
  const std::size_t size = 21 * 12;
  std::vector<std::int16_t> signals(3 * size, 100);
  for (const std::size_t i : {0U, 17U, 95U, 251U}) signals[2 * size + i] = kInvalidSample;
  signals[2 * size + 1] = -32767;  // valid, if only just
  const std::vector<float> scales(36, 0.25F);
  const std::vector<std::int32_t> index = {2, 0};
  const std::vector<float> mean(12, 5.0F);
  const std::vector<float> inverse_sd(12, 2.0F);
  std::vector<float> x(2 * size, -1.0F);
  gather_batch_forward_cpu(s, signals.data(), scales.data(), index.data(), mean.data(), inverse_sd.data(), x.data());
  for (std::size_t i = 0; i < 2 * size; ++i) {
    const bool invalid = i == 0 || i == 17 || i == 95 || i == 251;
    const float expected = invalid ? 0.0F : i == 1 ? (-32767 * 0.25F - 5) * 2 : 40.0F;
    EXPECT_EQ(x[i], expected) << i;
  }
}

}  // namespace
}  // namespace cardiograd::kernels
