#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/trainer.h"

namespace cardiograd::model {
namespace {

std::string refusal(Device device, const std::function<void(TrainingConfig&)>& change) {
  TrainingConfig config;
  config.graph = GraphChoice::kOn;
  change(config);
  try {
    check_for_device(config, device);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(TrainerDevice, GraphsNameWhatKeepsThemAway) {
  const auto on_gpu = [](const std::function<void(TrainingConfig&)>& change) { return refusal(Device::kCuda, change); };
  const auto steps = [](const std::string& why) {
    return "--graph on with " + why + ": its steps run kernel by kernel";
  };
  EXPECT_EQ(on_gpu([](TrainingConfig&) {}), "");
  EXPECT_EQ(on_gpu([](TrainingConfig& c) { c.crop = 250, c.augmentation.mixup = 0.2, c.cycle_momentum = true; }), "");
  EXPECT_EQ(on_gpu([](TrainingConfig& c) { c.init_lr_factor = 0.1; }), steps("--init-lr-factor"));
  EXPECT_EQ(on_gpu([](TrainingConfig& c) { c.device = DeviceChoice::kCheck; }), steps("--device check"));
  EXPECT_EQ(on_gpu([](TrainingConfig& c) { c.graph = GraphChoice::kAuto, c.init_lr_factor = 0.1; }), "");
}

TEST(TrainerDevice, TheCpuHasNeitherGraphsNorAPlanOfItsMemory) {
  EXPECT_EQ(refusal(Device::kCpu, [](TrainingConfig&) {}), "--graph on: the CPU has no graphs");
  EXPECT_EQ(refusal(Device::kCpu, [](TrainingConfig& c) { c.auto_batch_size = true; }),
            "--batch-size auto on the CPU, whose memory is not planned");
  EXPECT_EQ(refusal(Device::kCuda, [](TrainingConfig& c) { c.auto_batch_size = true; }), "");
}

}  // namespace
}  // namespace cardiograd::model
