#include "model/initial_weights.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/threads.h"
#include "engine/io/safetensors.h"
#include "model/trainer.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {
namespace {

namespace fs = std::filesystem;
using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;
using testing::tiny_config;
using testing::tiny_set;

// A model of the tiny set's classes A, B and C and leads I, II, III and aVR.
class InitialWeightsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    set_thread_count(1);
    TrainingConfig config = tiny_config();
    config.epochs = 1;
    Trainer(config, tiny_set(), folder_.path()).run({});
  }
  void TearDown() override { set_thread_count(0); }

  fs::path base() const { return folder_.path() / "last.safetensors"; }
  TrainingConfig config() const {
    TrainingConfig config = tiny_config();
    config.epochs = 1;
    config.seed = 11;
    config.init = base().string();
    return config;
  }
  // The tensors of a file by name.
  static std::map<std::string, std::vector<float>> tensors(const fs::path& path) {
    std::map<std::string, std::vector<float>> values;
    for (const auto& [name, tensor] : read_safetensors(path).tensors) values[name] = tensor.values();
    return values;
  }
  // Those of a run that `config` and `set` begin, before and after it has trained.
  struct Run {
    TakenOver taken;
    ModelDescription description;
    std::map<std::string, std::vector<float>> before, after;
  };
  static Run run(const TrainingConfig& config, data::Dataset set) {
    const TemporaryFolder folder;
    Trainer trainer(config, std::move(set), folder.path());
    Run run{.taken = trainer.taken_over(), .description = trainer.description(), .before = {}, .after = {}};
    save_model(folder.path() / "before.safetensors", trainer.description(), trainer.net());
    run.before = tensors(folder.path() / "before.safetensors");
    trainer.run({});
    run.after = tensors(folder.path() / "last.safetensors");
    return run;
  }

  TemporaryFolder folder_;
};

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

TEST_F(InitialWeightsTest, TheSameDataTakeEverything) {
  const Run same = run(config(), tiny_set());
  EXPECT_TRUE(same.taken.partly.empty() && same.taken.fresh.empty() && same.taken.notes.empty());
  EXPECT_EQ(same.before, tensors(base()));
  EXPECT_NE(same.after, same.before);
}

// Rows go by name: files have PyTorch's shapes, (classes, inputs) and (channels, leads, kernel).
TEST_F(InitialWeightsTest, LeadsFeaturesAndClassesGoByName) {
  data::Dataset set = tiny_set();
  set.class_names = {"C", "new", "A"};
  set.lead_names = {"II", "V1", "I", "III"};
  set.feature_names = {"gaps", "other", "absent"};
  const Run other = run(config(), std::move(set));
  const auto old = tensors(base());
  EXPECT_TRUE(has(other.taken.partly, "head.3.weight") && has(other.taken.partly, "head.3.bias"));
  EXPECT_TRUE(has(other.taken.partly, "cnn.0.weight") && has(other.taken.partly, "hc.0.weight"));
  EXPECT_TRUE(has(other.taken.whole, "encoder.layers.0.linear1.weight"));
  EXPECT_TRUE(other.taken.fresh.empty());
  const auto& bias = other.before.at("head.3.bias");
  EXPECT_EQ(bias[0], old.at("head.3.bias")[2]);
  EXPECT_EQ(bias[2], old.at("head.3.bias")[0]);
  EXPECT_NE(bias[1], old.at("head.3.bias")[1]);
  const auto row = [](const std::vector<float>& values, std::size_t begin, std::size_t count) {
    return std::vector<float>(values.begin() + static_cast<std::ptrdiff_t>(begin),
                              values.begin() + static_cast<std::ptrdiff_t>(begin + count));
  };
  EXPECT_EQ(row(other.before.at("head.3.weight"), 0, 10), row(old.at("head.3.weight"), 20, 10));
  constexpr std::size_t kKernel = 5;
  const std::size_t places[] = {1, 4, 0, 2};  // 4: there is none
  for (std::size_t channel = 0; channel < 8; ++channel)
    for (std::size_t lead = 0; lead < 4; ++lead) {
      const auto now = row(other.before.at("cnn.0.weight"), (channel * 4 + lead) * kKernel, kKernel);
      if (places[lead] < 4) {
        EXPECT_EQ(now, row(old.at("cnn.0.weight"), (channel * 4 + places[lead]) * kKernel, kKernel));
      } else {
        for (std::size_t p = 0; p < 4; ++p)
          EXPECT_NE(now, row(old.at("cnn.0.weight"), (channel * 4 + p) * kKernel, kKernel));
      }
    }
  const ModelDescription from = load_model(base()).description;
  EXPECT_EQ(other.description.signal_scaling.mean[0], from.signal_scaling.mean[1]);
  EXPECT_EQ(other.description.signal_scaling.sd[2], from.signal_scaling.sd[0]);
  EXPECT_NE(other.description.signal_scaling.mean[1], from.signal_scaling.mean[3]);
}

TEST_F(InitialWeightsTest, WhatIsFrozenStays) {
  TrainingConfig frozen = config();
  for (const auto& [freeze, moves] : {std::pair(Freeze::kConvolutions, true), std::pair(Freeze::kEncoder, false)}) {
    frozen.freeze = freeze;
    const Run run = InitialWeightsTest::run(frozen, tiny_set());
    for (const auto& [name, values] : run.after) {
      const bool fixed = name.starts_with("cnn.") || (!moves && name.starts_with("encoder."));
      EXPECT_TRUE(!fixed || values == run.before.at(name)) << name;
    }
    EXPECT_NE(run.after.at("head.0.weight"), run.before.at("head.0.weight"));
    EXPECT_EQ(run.after.at("encoder.layers.0.linear1.weight") != run.before.at("encoder.layers.0.linear1.weight"),
              moves);
  }
  data::Dataset set = tiny_set();
  set.lead_names[3] = "V1";
  expect_error([&] { run(frozen, std::move(set)); }, {"--freeze encoder: cnn.0.weight is not from --init"});
}

// A factor of 0 keeps what was taken over, though not the running statistics; between 0 and 1 it learns more slowly.
TEST_F(InitialWeightsTest, TakenOverWeightsHaveTheirOwnRate) {
  data::Dataset set = tiny_set();
  set.class_names = {"X", "Y", "Z"};
  TrainingConfig slow = config();
  std::map<double, double> moved;
  for (const double factor : {0.0, 0.1, 1.0}) {
    slow.init_lr_factor = factor;
    const Run run = InitialWeightsTest::run(slow, set);
    const auto& before = run.before.at("head.0.weight");
    const auto& after = run.after.at("head.0.weight");
    for (std::size_t i = 0; i < before.size(); ++i) moved[factor] += std::abs(after[i] - before[i]);
    EXPECT_NE(run.after.at("head.3.weight"), run.before.at("head.3.weight"));
  }
  EXPECT_EQ(moved[0.0], 0);
  EXPECT_TRUE(moved[0.1] > 0 && moved[0.1] < 0.5 * moved[1.0]) << moved[0.1] << " " << moved[1.0];
}

TEST_F(InitialWeightsTest, AResumedRunGoesOnWithBothRates) {
  TrainingConfig slow = config();
  slow.epochs = 2;
  slow.init_lr_factor = 0.1;
  const TemporaryFolder whole, parts;
  Trainer(slow, tiny_set(), whole.path()).run({});
  struct Interrupted {};
  try {
    Trainer(slow, tiny_set(), parts.path()).run({.on_epoch = [](const EpochResult&) { throw Interrupted(); }});
  } catch (const Interrupted&) {
  }
  Trainer resumed(slow, tiny_set(), parts.path());
  ASSERT_TRUE(resumed.resume());
  resumed.run({});
  EXPECT_EQ(read_file(whole.path() / "last.safetensors"), read_file(parts.path() / "last.safetensors"));
  // Another model under the same name is no basis to go on from.
  TrainingConfig other = tiny_config();
  other.epochs = 1;
  other.seed = 4;
  Trainer(other, tiny_set(), folder_.path()).run({});
  Trainer changed(slow, tiny_set(), parts.path());
  expect_error([&] { changed.resume(); }, {"the run was begun on other data; what differs: init"});
}

TEST_F(InitialWeightsTest, AnotherRateOrUnitIsRefused) {
  data::Dataset set = tiny_set();
  set.rate = 500;
  expect_error([&] { run(config(), set); }, {"--init was trained at 100 Hz, the data are at 500 Hz"});
  set = tiny_set();
  set.unit = "z";
  expect_error([&] { run(config(), set); }, {"--init was trained on signals in 'mV', the data are in 'z'"});
}

}  // namespace
}  // namespace cardiograd::model
