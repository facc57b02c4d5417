#include "model/step_memory.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "model/hc_cnn_tn.h"

namespace cardiograd::model {
namespace {

HcCnnTnConfig small() {
  return {.classes = 3,
          .features = 4,
          .leads = 4,
          .samples = 64,
          .channels = {8, 8},
          .kernels = {5, 3},
          .encoder_layers = 1,
          .heads = 2,
          .feed_forward = 12,
          .feature_width = 6,
          .head_width = 10};
}

BuildModel builder(const HcCnnTnConfig& config) {
  return [config] { return std::make_unique<HcCnnTn>(config, 1); };
}

TEST(StepMemory, CountsWhatStaysAndNamesWhatAStepMakes) {
  const StepMemory memory = plan_training_step(builder(small()), 100, 8, true);
  EXPECT_EQ(memory.data, 100U * (64 * 4 * 2 + 4 * 4 + 4 * 4 + 3 * 4 + 4));
  const auto parameters = static_cast<std::size_t>(HcCnnTn(small(), 1).parameter_count()) * sizeof(float);
  EXPECT_EQ(memory.gradients, parameters);
  EXPECT_EQ(memory.moments, 2 * parameters);
  EXPECT_GT(memory.parameters, parameters) << "running statistics";
  EXPECT_GE(memory.step.bytes, memory.step.peak);
  const auto live = memory.step.at_height();
  ASSERT_FALSE(live.empty());
  // The output of the first convolution is as large as anything, and lives to its backward pass.
  EXPECT_EQ(live[0]->bytes, 8U * 64 * 8 * 4);
  EXPECT_TRUE(std::any_of(live.begin(), live.end(), [](const PlannedTensor* tensor) {
    return tensor->made_by.starts_with("conv1d_") && tensor->layer == "cnn.0";
  }));
}

// At HC-CNN-TN's own sizes: reuse pays, and the block is hardly larger than what lives at once.
TEST(StepMemory, AStepNeedsLittleMoreThanItsHeight) {
  const StepMemory memory = plan_training_step(builder({}), 1000, 64, true);
  std::size_t all = 0;
  for (const PlannedTensor& tensor : memory.step.tensors) all += tensor.bytes;
  EXPECT_TRUE(static_cast<double>(memory.step.bytes) <= 1.05 * static_cast<double>(memory.step.peak))
      << memory.step.bytes << " for " << memory.step.peak;
  EXPECT_LT(memory.step.bytes, all / 10 * 6);
}

TEST(StepMemory, TheLargestBatchFitsAndTheNextDoesNot) {
  const BuildModel build = builder(small());
  const std::size_t bytes = 4 << 20;
  const std::int64_t largest = largest_batch(build, 50, true, bytes, 10'000);
  ASSERT_TRUE(largest > 8 && largest < 10'000) << largest;
  EXPECT_LE(plan_training_step(build, 50, largest, true).total(), bytes);
  EXPECT_GT(plan_training_step(build, 50, largest + 1, true).total(), bytes);
  EXPECT_EQ(largest_batch(build, 50, true, 1000, 10'000), 0);
  EXPECT_EQ(largest_batch(build, 50, true, bytes, 16), 16);
}

}  // namespace
}  // namespace cardiograd::model
