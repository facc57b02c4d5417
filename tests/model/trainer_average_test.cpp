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

}  // namespace
}  // namespace cardiograd::model
