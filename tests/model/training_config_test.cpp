#include "model/training_config.h"

#include <algorithm>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;

std::vector<std::string> texts(TrainingConfig config) {
  std::vector<std::string> all;
  for (const ConfigField& field : config_fields(config)) all.push_back(field.name() + " = " + field.text());
  return all;
}

TrainingConfig from_text(const std::string& text) {
  const TemporaryFolder folder;
  write_file(folder / "run.toml", text);
  return read_config(folder / "run.toml");
}

TEST(TrainingConfig, WritesAndReadsEveryField) {
  const TemporaryFolder folder;
  TrainingConfig config;
  config.data.folder = "a \"quoted\" \\ folder\nwith ünïcode";
  const std::map<std::string, std::string> words = {{"data.task", "sub"},
                                                    {"data.features", "none"},
                                                    {"data.filter", "none"},
                                                    {"data.normalize", "zscore"},
                                                    {"data.unlabeled", "keep"},
                                                    {"training.optimizer", "adamw"},
                                                    {"training.schedule", "one_cycle"},
                                                    {"training.thresholds", "fixed"},
                                                    {"run.device", "cpu"}};
  for (ConfigField& field : config_fields(config)) {
    if (field.name() == "data.folder") continue;
    std::visit(
        [&](auto* value) {
          using T = std::remove_pointer_t<decltype(value)>;
          if constexpr (std::is_same_v<T, std::string>) *value = words.at(field.name());
          if constexpr (std::is_same_v<T, bool>) *value = !*value;
          if constexpr (std::is_same_v<T, std::int64_t>) *value = field.key == "rate" ? 500 : *value * 2 + 8;
          if constexpr (std::is_same_v<T, double>) *value += 0.1;
          if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) value->push_back(value->front() * 24 + 1);
        },
        field.value);
  }
  config.model.channels.back() = 48 * config.model.heads;
  write_config(folder / "a.toml", config);
  const TrainingConfig back = read_config(folder / "a.toml");
  EXPECT_EQ(texts(back), texts(config));
  EXPECT_EQ(back.lr, config.lr) << "to the last bit";
  const std::vector<std::string> defaults = texts({});
  const std::vector<std::string> changed = texts(back);
  for (std::size_t i = 0; i < defaults.size(); ++i) EXPECT_NE(changed[i], defaults[i]);
  write_config(folder / "b.toml", back);
  EXPECT_EQ(read_file(folder / "a.toml"), read_file(folder / "b.toml"));
}

TEST(TrainingConfig, WhatIsNotThereKeepsItsDefault) {
  EXPECT_EQ(texts(from_text("")), texts({}));
  TrainingConfig expected;
  expected.epochs = 3;
  expected.model.channels = {8, 16};
  expected.model.kernels = {5, 3};
  expected.lr = 1;
  EXPECT_EQ(
      texts(from_text("# a run\n[training]\nepochs = 3\nlr = 1\n\n[model]\nchannels = [8, 16]\nkernels = [5, 3]\n")),
      texts(expected));
}

TEST(TrainingConfig, UnknownKeysNameLineAndNearest) {
  const TemporaryFolder folder;
  const auto path = folder / "run.toml";
  const auto expect = [&](const std::string& text, std::initializer_list<std::string_view> parts) {
    write_file(path, text);
    expect_error([&] { read_config(path); }, parts);
  };
  expect("[training]\nepochs = 3\nbatchsize = 4\n", {"run.toml:3: ", "unknown key 'training.batchsize'"});
  try {
    read_config(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.hint(), "Nearest known key: training.batch_size.");
  }
  expect("[trainig]\nepochs = 3\n", {"run.toml:1: ", "unknown section or key 'trainig'"});
  expect("\nepochs = 3\n", {"run.toml:2: ", "'epochs'"});
  expect("[data]\nfolder = 3\n", {"run.toml:2: ", "'data.folder' is not a text"});
  expect("[data]\nmissing_flags = 1\n", {"run.toml:2: ", "'data.missing_flags' is not true or false"});
  expect("[training]\n\nepochs = 3.5\n", {"run.toml:3: ", "'training.epochs' is not a whole number"});
  expect("[training]\nlr = \"fast\"\n", {"run.toml:2: ", "'training.lr' is not a number"});
  expect("[model]\nchannels = [4, \"8\"]\n", {"run.toml:2: ", "'model.channels' is not a list of whole numbers"});
  expect("[model]\nchannels = 4\n", {"run.toml:2: ", "'model.channels' is not a list of whole numbers"});
  expect("[training]\nepochs = 3\nepochs = 4\n", {"run.toml:3: "});
  expect("[training\nepochs = 3\n", {"run.toml:1: "});
  expect("[training]\nepochs = 99999999999999999999\n", {"run.toml:2: "});
  expect(std::string((1 << 20) + 1, '#'), {"run.toml", "expected at most"});
  expect_error([&] { read_config(folder / "none.toml"); }, {"none.toml"});
}

TEST(TrainingConfig, ImpossibleValuesOfAFileNameTheFile) {
  const TemporaryFolder folder;
  const auto path = folder / "run.toml";
  write_file(path, "[training]\nepochs = 0\n");
  expect_error([&] { read_config(path); }, {"run.toml: ", "epochs is 0"});
  write_file(path, "[model]\nheads = 7\n");
  expect_error([&] { read_config(path); }, {"run.toml: ", "7 heads"});
}

TEST(TrainingConfig, ImpossibleValuesAreNamed) {
  TrainingConfig good;
  good.data.folder = "somewhere";
  EXPECT_NO_THROW(check(good));
  const auto expect = [&](const char* part, const std::function<void(TrainingConfig&)>& change) {
    TrainingConfig config = good;
    change(config);
    EXPECT_THROW(check(config), UsageError) << part;
    expect_error([&] { check(config); }, {part});
  };
  expect("no data folder", [](TrainingConfig& c) { c.data.folder = ""; });
  expect("task is 'sup', expected super, sub", [](TrainingConfig& c) { c.data.task = "sup"; });
  expect("rate is 250", [](TrainingConfig& c) { c.data.rate = 250; });
  expect("features is 'some'", [](TrainingConfig& c) { c.data.features = "some"; });
  expect("filter is 'x'", [](TrainingConfig& c) { c.data.filter = "x"; });
  expect("normalize is 'x'", [](TrainingConfig& c) { c.data.normalize = "x"; });
  expect("unlabeled is 'x'", [](TrainingConfig& c) { c.data.unlabeled = "x"; });
  expect("optimizer is 'sgd'", [](TrainingConfig& c) { c.optimizer = "sgd"; });
  expect("schedule is 'x'", [](TrainingConfig& c) { c.schedule = "x"; });
  expect("thresholds is 'x'", [](TrainingConfig& c) { c.thresholds = "x"; });
  expect("device is 'tpu'", [](TrainingConfig& c) { c.device = "tpu"; });
  expect("val_fold is 0", [](TrainingConfig& c) { c.data.val_fold = 0; });
  expect("test_fold is -1", [](TrainingConfig& c) { c.data.test_fold = -1; });
  expect("epochs is 0", [](TrainingConfig& c) { c.epochs = 0; });
  expect("batch_size is 1", [](TrainingConfig& c) { c.batch_size = 1; });
  expect("lr is 0", [](TrainingConfig& c) { c.lr = 0; });
  expect("lr is nan", [](TrainingConfig& c) { c.lr = std::stod("nan"); });
  expect("weight_decay is -1", [](TrainingConfig& c) { c.weight_decay = -1; });
  expect("clip_norm is -1", [](TrainingConfig& c) { c.clip_norm = -1; });
  expect("seed is -1", [](TrainingConfig& c) { c.seed = -1; });
  expect("threads is 2000", [](TrainingConfig& c) { c.threads = 2000; });
}

TEST(TrainingConfig, SizesThatNoDataCouldFit) {
  TrainingConfig config;
  config.data.folder = "somewhere";
  config.model.heads = 7;
  expect_error([&] { check(config); }, {"256 channels cannot be shared by 7 heads"});
  config.model.heads = 8;
  config.model.kernels = {7, 5};
  expect_error([&] { check(config); }, {"3 channels and 2 kernels"});
}

}  // namespace
}  // namespace cardiograd::model
