// Training with a moving average of the weights.
#include <gtest/gtest.h>

#include "engine/io/safetensors.h"
#include "model/trainer.h"
#include "tests/common/temporary_folder.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::TemporaryFolder;
using testing::tiny_config;
using testing::tiny_set;

// What is validated and saved is the average; training itself goes on from the weights.
TEST(TrainerAverage, IsValidatedAndSaved) {
  TrainingConfig config = tiny_config();
  config.epochs = 2;
  const TemporaryFolder plain_folder;
  Trainer plain(config, tiny_set(), plain_folder.path());
  plain.run({});
  config.weight_average = 0.8;
  const TemporaryFolder folder;
  Trainer trainer(config, tiny_set(), folder.path());
  trainer.run({});
  ASSERT_EQ(trainer.log().size(), plain.log().size());
  for (std::size_t epoch = 0; epoch < 2; ++epoch) {
    EXPECT_EQ(trainer.log()[epoch].train_loss, plain.log()[epoch].train_loss);
    EXPECT_NE(trainer.log()[epoch].val_loss, plain.log()[epoch].val_loss);
  }
  const SafetensorsFile state = read_safetensors(folder / "state.safetensors");
  const SafetensorsFile saved = read_safetensors(folder / "last.safetensors");
  int averaged = 0;
  for (const auto& [name, tensor] : saved.tensors) {
    EXPECT_EQ(tensor.values(), state.tensors.at("average." + name).values()) << name;
    averaged += tensor.values() != state.tensors.at("model." + name).values() ? 1 : 0;
  }
  EXPECT_GT(averaged, 20);
}

// A run without goes on with one, from the weights that it has by then.
TEST(TrainerAverage, MayBeginLater) {
  TrainingConfig config = tiny_config();
  config.epochs = 1;
  const TemporaryFolder folder;
  Trainer(config, tiny_set(), folder.path()).run({});
  config.epochs = 2;
  config.weight_average = 0.8;
  Trainer trainer(config, tiny_set(), folder.path());
  EXPECT_TRUE(trainer.resume(/*allow_changes=*/true));
  const SafetensorsFile before = read_safetensors(folder / "state.safetensors");
  trainer.run({});
  const SafetensorsFile after = read_safetensors(folder / "state.safetensors");
  EXPECT_FALSE(before.tensors.contains("average.cnn.0.weight"));
  const std::vector<float> average = after.tensors.at("average.cnn.0.weight").values();
  EXPECT_EQ(read_safetensors(folder / "last.safetensors").tensors.at("cnn.0.weight").values(), average);
  EXPECT_NE(after.tensors.at("model.cnn.0.weight").values(), average);
}

}  // namespace
}  // namespace cardiograd::model
