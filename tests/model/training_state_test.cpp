#include "model/training_state.h"

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/threads.h"
#include "model/trainer.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;
using data::testing::LogCapture;
using testing::tiny_config;
using testing::tiny_set;

// The model is too small for several threads to pay.
class TrainingState : public ::testing::Test {
 protected:
  void SetUp() override { set_thread_count(1); }
  void TearDown() override { set_thread_count(0); }
};

// Its scaling and weights are the other model's.
TEST_F(TrainingState, AFirstModelMustNotGoAway) {
  const TemporaryFolder first, folder;
  TrainingConfig config = tiny_config();
  config.epochs = 1;
  Trainer(config, tiny_set(), first.path()).run({});
  TrainingConfig taken = config;
  taken.init = (first.path() / "last.safetensors").string();
  Trainer(taken, tiny_set(), folder.path()).run({});
  EXPECT_TRUE(Trainer(taken, tiny_set(), folder.path()).resume());
  expect_error([&] { Trainer(config, tiny_set(), folder.path()).resume(true); },
               {"state.safetensors", "differs: init"});
}

TEST_F(TrainingState, ResumeRefusesOtherDataAndValuesByName) {
  const TemporaryFolder folder;
  TrainingConfig config = tiny_config();
  config.epochs = 1;
  Trainer(config, tiny_set(), folder.path()).run({});
  const std::string good = read_file(folder / "state.safetensors");
  const auto refused = [&](const std::function<void(data::Dataset&)>& change, std::string_view part) {
    data::Dataset set = tiny_set();
    change(set);
    expect_error([&] { Trainer(config, set, folder.path()).resume(true); }, {"state.safetensors", "other data", part});
  };
  refused([](data::Dataset& set) { std::rotate(set.labels.begin(), set.labels.begin() + 3, set.labels.end()); },
          "differs: labels");
  refused([](data::Dataset& set) { std::rotate(set.folds.begin(), set.folds.begin() + 1, set.folds.end()); },
          "differs: folds");
  refused([](data::Dataset& set) { set.features[0] += 1; }, "differs: features");
  refused([](data::Dataset& set) { set.signals[5] ^= 1; }, "differs: signals");
  refused([](data::Dataset& set) { set.scales[3] *= 2; }, "differs: signals");
  refused([](data::Dataset& set) { std::swap(set.ecg_ids[0], set.ecg_ids[1]); }, "differs: ecg_id");
  refused([](data::Dataset& set) { set.class_names[1] = "D"; }, "differs: classes");
  const auto refused_value = [&](const char* name, const std::function<void(TrainingConfig&)>& change, bool may) {
    TrainingConfig other = config;
    change(other);
    expect_error([&] { Trainer(other, tiny_set(), folder.path()).resume(); },
                 {"state.safetensors", "was begun with", name});
    if (may) {
      LogCapture log;
      EXPECT_TRUE(Trainer(other, tiny_set(), folder.path()).resume(true));
      EXPECT_TRUE(log.warned(name));
    } else {
      expect_error([&] { Trainer(other, tiny_set(), folder.path()).resume(true); }, {name});
    }
  };
  refused_value(
      "training.lr", [](TrainingConfig& c) { c.lr = 1e-3; }, true);
  refused_value(
      "training.epochs", [](TrainingConfig& c) { c.epochs = 9; }, true);
  refused_value(
      "training.seed", [](TrainingConfig& c) { c.seed = 8; }, false);
  refused_value(
      "data.val_fold", [](TrainingConfig& c) { c.data.val_fold = 8; }, false);
  refused_value(
      "data.filter", [](TrainingConfig& c) { c.data.filter = Filter::kNone; }, false);
  EXPECT_EQ(read_file(folder / "state.safetensors"), good);
  config.device = DeviceChoice::kCpu;
  config.data.folder = "elsewhere";
  EXPECT_TRUE(Trainer(config, tiny_set(), folder.path()).resume());
}

TEST_F(TrainingState, AMissingStateBesideModelsIsRefused) {
  for (const char* left : {"last.safetensors", "best.safetensors", "log.csv"}) {
    const TemporaryFolder folder;
    EXPECT_FALSE(Trainer(tiny_config(), tiny_set(), folder.path()).resume());
    write_file(folder / left, "a run's");
    expect_error([&] { Trainer(tiny_config(), tiny_set(), folder.path()).resume(); },
                 {"state.safetensors: missing", left});
  }
}

}  // namespace
}  // namespace cardiograd::model
