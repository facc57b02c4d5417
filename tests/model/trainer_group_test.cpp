// One training by several processes, here threads: what one process finds, but for the rounding of sums.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/threads.h"
#include "engine/io/safetensors.h"
#include "model/model_file.h"
#include "model/trainer.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"
#include "tests/engine/thread_group.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::as_ranks;
using cardiograd::testing::expect_error;
using cardiograd::testing::TemporaryFolder;
using testing::tiny_config;
using testing::tiny_set;

class TrainerGroup : public ::testing::Test {
 protected:
  void SetUp() override { set_thread_count(1); }
  void TearDown() override { set_thread_count(0); }
};

// All kinds of what depends on a row's place in the batch, and a last batch of one record fewer than processes.
TrainingConfig demanding_config() {
  TrainingConfig config = tiny_config();
  config.drop_last = false;
  config.batch_size = 31;  // of 64 records: 31, 31, 2
  config.epochs = 2;
  config.crop = 48;
  config.clip_norm = 0.5;
  config.augmentation = {
      .mixup = 0.4, .lead_dropout = 0.2, .amplitude_sd = 0.1, .time_mask = 0.2, .label_smoothing = 0.05};
  return config;
}

struct Result {
  std::vector<EpochResult> log;
  std::string last, best;
};

Result train(int ranks, const TrainingConfig& config) {
  const TemporaryFolder folder;
  Result result;
  as_ranks(ranks, [&](ProcessGroup& group) {
    Trainer trainer(config, tiny_set(), folder.path(), group);
    ASSERT_TRUE(trainer.run({}));
    if (group.is_first()) result.log = trainer.log();
  });
  result.last = read_file(folder / "last.safetensors");
  result.best = read_file(folder / "best.safetensors");
  return result;
}

void expect_equal_losses(const Result& found, const Result& expected, int ranks) {
  ASSERT_EQ(found.log.size(), expected.log.size());
  for (std::size_t e = 0; e < found.log.size(); ++e) {
    EXPECT_TRUE(std::abs(found.log[e].train_loss - expected.log[e].train_loss) <= 1e-5)
        << ranks << " ranks, epoch " << e << ": " << found.log[e].train_loss << ", one has "
        << expected.log[e].train_loss;
    EXPECT_TRUE(std::abs(found.log[e].val_loss - expected.log[e].val_loss) <= 1e-5)
        << ranks << " ranks, epoch " << e << ": " << found.log[e].val_loss << ", one has " << expected.log[e].val_loss;
  }
}

TEST_F(TrainerGroup, LossesAreThoseOfOneProcess) {
  for (const TrainingConfig& config : {tiny_config(), demanding_config()}) {
    const Result one = train(1, config);
    for (const int ranks : {2, 3, 4}) expect_equal_losses(train(ranks, config), one, ranks);
  }
}

struct OneStep {
  double loss = 0;
  std::map<std::string, std::vector<float>> statistics;  // that batch norm keeps
};

// The next step of the run in `folder`, and its state there.
OneStep next_step(int ranks, const TrainingConfig& config, const std::filesystem::path& folder) {
  OneStep step;
  as_ranks(ranks, [&](ProcessGroup& group) {
    Trainer trainer(config, tiny_set(), folder, group);
    trainer.resume();
    double loss = 0;
    EXPECT_FALSE(trainer.run({.on_step = [&](const StepProgress& p) { loss = p.loss; }, .stop = [] { return true; }}));
    if (!group.is_first()) return;
    step.loss = loss;
    for (const nn::NamedTensor& named : trainer.net().named_tensors())
      if (!named.is_parameter) step.statistics[named.name] = named.tensor->values();
  });
  return step;
}

// In the default model what rounding leaves grows from step to step, by its maxima and by Adam (docs/scaling.md). From
// one state a step does not show it.
TEST_F(TrainerGroup, EveryStepOfTheDefaultModelIsThatOfOneProcess) {
  TrainingConfig config;
  config.data.folder = "unused";
  config.epochs = 1;
  config.batch_size = 15;  // of 64 records: 15 four times, and 4
  config.drop_last = false;
  const TemporaryFolder temporary;
  const std::filesystem::path one = temporary.path() / "one", many = temporary.path() / "many";
  std::filesystem::create_directories(one);
  for (int number = 1; number <= 5; ++number) {
    std::filesystem::remove_all(many);
    std::filesystem::copy(one, many);
    const OneStep expected = next_step(1, config, one), found = next_step(number % 2 == 1 ? 2 : 3, config, many);
    EXPECT_GT(expected.loss, 0.1);
    EXPECT_TRUE(std::abs(found.loss - expected.loss) <= 1e-6)
        << "step " << number << ": " << found.loss << ", one process has " << expected.loss;
    ASSERT_FALSE(expected.statistics.empty());
    for (const auto& [name, values] : expected.statistics)
      for (std::size_t i = 0; i < values.size(); ++i)
        EXPECT_TRUE(std::abs(found.statistics.at(name)[i] - values[i]) <= 1e-5F * (std::abs(values[i]) + 0.01F))
            << "step " << number << ", " << name << ' ' << i;
  }
}

TEST_F(TrainerGroup, TheSameBitsInEveryRun) {
  const TrainingConfig config = demanding_config();
  const Result first = train(3, config);
  set_thread_count(2);
  const Result second = train(3, config);
  EXPECT_TRUE(first.last == second.last);
  EXPECT_TRUE(first.best == second.best);
}

// Statistics of each part are others than those of the whole: the option does something.
TEST_F(TrainerGroup, LocalStatisticsAreAChoiceThatTheModelTells) {
  TrainingConfig config = tiny_config();
  config.epochs = 1;
  const Result synchronized = train(2, config);
  config.batch_norm = BatchNorm::kLocal;
  const Result local = train(2, config);
  EXPECT_GT(std::abs(local.log[0].train_loss - synchronized.log[0].train_loss), 1e-4);
  EXPECT_TRUE(train(2, config).last == local.last);
  const TemporaryFolder folder;
  write_file(folder / "local.safetensors", local.last);
  write_file(folder / "one.safetensors", train(1, config).last);
  const ModelDescription description = load_model(folder / "local.safetensors").description;
  EXPECT_EQ(description.processes, 2);
  EXPECT_EQ(description.batch_norm, BatchNorm::kLocal);
  EXPECT_EQ(load_model(folder / "one.safetensors").description.processes, 1);
  config.batch_size = 7;
  expect_error([&] { train(4, config); }, {"local", "7 records on 4 processes"});
  config.drop_last = false;
  config.batch_size = 61;  // 64 records: a rest of 3
  expect_error([&] { train(2, config); }, {"local", "3 records on 2 processes"});
}

// Another number of processes goes on where the first stopped, in the middle of an epoch.
TEST_F(TrainerGroup, AnotherNumberOfProcessesResumes) {
  const TrainingConfig config = demanding_config();
  const TemporaryFolder folder;
  as_ranks(2, [&](ProcessGroup& group) {
    Trainer trainer(config, tiny_set(), folder.path(), group);
    int steps = 0;
    // Asked of one rank, all stop.
    EXPECT_FALSE(trainer.run(
        {.on_step = [&](const StepProgress&) { ++steps; }, .stop = [&] { return group.rank() == 1 && steps == 4; }}));
    EXPECT_EQ(steps, 5);
    EXPECT_EQ(trainer.epochs_done(), 1);
  });
  Result resumed;
  as_ranks(3, [&](ProcessGroup& group) {
    Trainer trainer(config, tiny_set(), folder.path(), group);
    ASSERT_TRUE(trainer.resume());
    EXPECT_EQ(trainer.epochs_done(), 1);
    ASSERT_TRUE(trainer.run({}));
    if (group.is_first()) resumed.log = trainer.log();
  });
  expect_equal_losses(resumed, train(1, config), 3);
}

TEST_F(TrainerGroup, StoppedAndResumedByTheSameNumberItIsTheSameModel) {
  const TrainingConfig config = demanding_config();
  const TemporaryFolder folder;
  for (bool done = false; !done;)
    as_ranks(2, [&](ProcessGroup& group) {
      Trainer trainer(config, tiny_set(), folder.path(), group);
      trainer.resume();
      int asked = 0;
      const bool ended = trainer.run({.stop = [&] { return group.is_first() && ++asked == 2; }});
      if (group.is_first()) done = ended;
    });
  EXPECT_TRUE(read_file(folder / "last.safetensors") == train(2, config).last);
}

TEST_F(TrainerGroup, WhatIsNotFiniteIsNamedWithItsRank) {
  expect_error(
      [] {
        as_ranks(2, [](ProcessGroup& group) {
          TrainingConfig config = tiny_config();
          config.lr = 1e30;
          const TemporaryFolder folder;
          Trainer trainer(config, tiny_set(), folder.path(), group);
          trainer.run({});
        });
      },
      {"training stopped", "rank 0: "});
  // The weights of one process alone.
  expect_error(
      [] {
        as_ranks(2, [](ProcessGroup& group) {
          const TemporaryFolder folder;
          Trainer trainer(tiny_config(), tiny_set(), folder.path(), group);
          if (group.rank() == 1)
            trainer.net().parameters()[0].tensor->data()[0] = std::numeric_limits<float>::quiet_NaN();
          trainer.run({});
        });
      },
      {"training stopped: the loss of step 1 is nan", "rank 1: the parameter"});
}

TEST_F(TrainerGroup, OtherDataAndOtherWeightsAreFound) {
  expect_error(
      [] {
        as_ranks(3, [](ProcessGroup& group) {
          data::Dataset set = tiny_set();
          if (group.rank() == 2) set.labels[0] = static_cast<std::uint8_t>(1 - set.labels[0]);
          const TemporaryFolder folder;
          Trainer trainer(tiny_config(), std::move(set), folder.path(), group);
        });
      },
      {"rank 2 has read other data than rank 0"});
  expect_error(
      [] {
        as_ranks(2, [](ProcessGroup& group) {
          const TemporaryFolder folder;
          Trainer trainer(tiny_config(), tiny_set(), folder.path(), group);
          if (group.rank() == 1) trainer.net().parameters()[0].tensor->data()[0] += 0.25F;
          trainer.run({});
        });
      },
      {"rank 1 has other weights than rank 0 after epoch 1"});
}

TEST_F(TrainerGroup, FewerRecordsThanProcessesAreRefused) {
  TrainingConfig config = tiny_config();
  config.batch_size = 2;
  expect_error([&] { train(3, config); }, {"--batch-size 2 on 3 processes"});
}

}  // namespace
}  // namespace cardiograd::model
