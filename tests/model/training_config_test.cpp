#include "model/training_config.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "model/hc_cnn_tn.h"
#include "model/recipe.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;
using data::testing::LogCapture;

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
  for (const ConfigField& field : config_fields(config)) {
    if (field.name() == "data.folder" || field.name() == "model.name") continue;
    std::visit(
        [&](const auto& value) {
          using T = std::decay_t<decltype(value)>;
          if constexpr (std::is_same_v<T, bool*>) *value = !*value;
          if constexpr (std::is_same_v<T, std::int64_t*>) *value = field.key == "rate" ? 500 : *value * 2 + 8;
          if constexpr (std::is_same_v<T, double*>) *value = *value > 0.8 && *value <= 1 ? 0.75 : *value + 0.1;
          if constexpr (std::is_same_v<T, std::vector<std::int64_t>*>) value->push_back(value->front() * 24 + 1);
          if constexpr (std::is_same_v<T, std::string*>)
            *value = field.key == "classes" ? "A,B" : field.key == "leads" ? "II,V2" : "a file";
          if constexpr (std::is_same_v<T, WordReference>) {
            const auto& words = value.words();
            ASSERT_TRUE(value.assign(words[0].first == value.word() ? words[1].first : words[0].first));
          }
        },
        field.value);
  }
  HcCnnTnConfig& model = config.model.as<HcCnnTnConfig>();
  model.channels.back() = 48 * model.heads;
  write_config(folder / "a.toml", config);
  const TrainingConfig back = read_config(folder / "a.toml");
  EXPECT_EQ(texts(back), texts(config));
  EXPECT_EQ(back.lr, config.lr) << "to the last bit";
  const std::vector<std::string> defaults = texts({});
  const std::vector<std::string> changed = texts(back);
  for (std::size_t i = 0; i < defaults.size(); ++i) {
    if (defaults[i] == "model.name = 'hc_cnn_tn'") continue;
    EXPECT_NE(changed[i], defaults[i]);
  }
  write_config(folder / "b.toml", back);
  EXPECT_EQ(read_file(folder / "a.toml"), read_file(folder / "b.toml"));
}

TEST(TrainingConfig, WhatIsNotThereKeepsItsDefault) {
  EXPECT_EQ(texts(from_text("")), texts({}));
  TrainingConfig expected;
  expected.epochs = 3;
  expected.model = HcCnnTnConfig{.channels = {8, 16}, .kernels = {5, 3}};
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
  write_file(path, "[data]\ntask = \"sup\"\n");
  expect_error([&] { read_config(path); }, {"run.toml:2: 'data.task' is 'sup', expected super, sub, own"});
  write_file(path, "[model]\nheads = 8\nname = \"hc_cnn\"\n");
  expect_error([&] { read_config(path); }, {"run.toml:3: model is 'hc_cnn', expected hc_cnn_tn"});
  write_file(path, "[model]\nname = 3\n");
  expect_error([&] { read_config(path); }, {"run.toml:2: 'model.name' is not a text"});
}

// Characters where none of them may stand, which toml++ asserts against before it refuses them.
TEST(TrainingConfig, StrayCharactersAreOneError) {
  TemporaryFolder folder;
  for (const std::string& text :
       {std::string("[=]\n"), std::string("[.a]\n"), std::string("[\u00fc]\n"), std::string("[\0a]\n", 5),
        std::string("\u00fc = 1\n"), std::string("[a]\n\ufefex = 1\n"), std::string("lr = \u2003 1\n\x01")}) {
    write_file(folder / "c.toml", text);
    expect_error([&] { read_config(folder / "c.toml"); }, {"c.toml:"});
  }
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
  expect("rate is 250, expected 100, 500", [](TrainingConfig& c) { c.data.rate = 250; });
  expect("val_fold is 0", [](TrainingConfig& c) { c.data.val_fold = 0; });
  expect("test_fold is -1", [](TrainingConfig& c) { c.data.test_fold = -1; });
  expect("epochs is 0", [](TrainingConfig& c) { c.epochs = 0; });
  expect("batch_size is 1", [](TrainingConfig& c) { c.batch_size = 1; });
  expect("lr is 0", [](TrainingConfig& c) { c.lr = 0; });
  expect("lr is nan", [](TrainingConfig& c) { c.lr = std::stod("nan"); });
  expect("weight_decay is -1", [](TrainingConfig& c) { c.weight_decay = -1; });
  expect("clip_norm is -1", [](TrainingConfig& c) { c.clip_norm = -1; });
  expect("crop is -1", [](TrainingConfig& c) { c.crop = -1; });
  expect("beta2 is 1, expected 0 or more and less than 1", [](TrainingConfig& c) { c.beta2 = 1; });
  expect("training.window_step is 60, and training.crop 50",
         [](TrainingConfig& c) { c.crop = 50, c.window_step = 60; });
  expect("training.window_step is 60, and training.crop 0", [](TrainingConfig& c) { c.window_step = 60; });
  expect("cycle_momentum with training.schedule cosine", [](TrainingConfig& c) { c.cycle_momentum = true; });
  expect("seed is -1", [](TrainingConfig& c) { c.seed = -1; });
  expect("threads is 2000, expected 0 to 1024", [](TrainingConfig& c) { c.threads = 2000; });
  expect("heads is 0, expected 1 to 65536", [](TrainingConfig& c) { c.model.as<HcCnnTnConfig>().heads = 0; });
  expect("head_dropout is 1, expected 0 or more and less than 1",
         [](TrainingConfig& c) { c.model.as<HcCnnTnConfig>().head_dropout = 1; });
}

TEST(Recipe, SetsItsValuesUnderThoseOfAFile) {
  TrainingConfig paper;
  recipe_named("paper").apply(paper);
  EXPECT_EQ(texts(paper), texts({}));
  TrainingConfig helme;
  recipe_named("helme").apply(helme);
  helme.model = Architecture("xresnet1d101");
  helme.data.folder = "somewhere";
  EXPECT_NO_THROW(check(helme));
  EXPECT_NO_THROW(check_recipe(recipe_named("helme"), helme));
  EXPECT_EQ(helme.crop, 250);
  const TemporaryFolder folder;
  write_file(folder / "run.toml", "[training]\nepochs = 3\n[model]\nname = 'xresnet1d101'\nwidth = 8\n");
  const TrainingConfig both = read_config(folder / "run.toml", helme);
  EXPECT_EQ(both.epochs, 3);
  EXPECT_EQ(both.lr, helme.lr);
  EXPECT_EQ(field_named(Architecture(both.model).fields(), "width").text(), "8");
  TrainingConfig recurrent;
  recurrent.model = Architecture("lstm_bidir");
  recipe_named("helme").apply(recurrent);
  EXPECT_EQ(recurrent.lr, 1e-3);
  EXPECT_EQ(recurrent.clip_norm, 0.25);
  EXPECT_EQ(helme.clip_norm, 0);
  helme.data.rate = 500;
  expect_error([&] { check_recipe(recipe_named("helme"), helme); },
               {"--recipe helme is for records at 100 Hz, and --rate is 500"});
  TrainingConfig s4;
  recipe_named("s4").apply(s4);
  EXPECT_NO_THROW(check_recipe(recipe_named("s4"), s4));
  EXPECT_EQ(s4.model.kind().name, "s4");
  EXPECT_EQ(s4.data.unlabeled, data::Unlabeled::kKeep);
  EXPECT_EQ(s4.window_step, 250);
  s4.model = Architecture("lstm");
  recipe_named("s4").apply(s4);
  EXPECT_EQ(s4.model.kind().name, "lstm");
  TrainingConfig best;
  recipe_named("best").apply(best);
  EXPECT_NO_THROW(check_recipe(recipe_named("best"), best));
  EXPECT_EQ(best.model.as<HcCnnTnConfig>().head_dropout, 0.5);
  EXPECT_EQ(best.augmentation.mixup, 0.2);
  best.model = Architecture("lstm");
  expect_error([&] { check_recipe(recipe_named("best"), best); },
               {"--recipe best is for hc_cnn_tn, and --model is lstm"});
  expect_error([] { recipe_named("helm"); }, {"--recipe is 'helm', expected paper, helme, s4, best"});
}

TEST(TrainingConfig, SizesThatNoDataCouldFit) {
  TrainingConfig config;
  config.data.folder = "somewhere";
  config.model = HcCnnTnConfig{.heads = 7};
  expect_error([&] { check(config); }, {"256 channels cannot be shared by 7 heads"});
  config.model = HcCnnTnConfig{.kernels = {7, 5}};
  expect_error([&] { check(config); }, {"3 channels and 2 kernels"});
}

TEST(TrainingConfig, OldKeysAreTakenWithOneWarningEach) {
  LogCapture log;
  const TrainingConfig config = from_text(
      "[data]\nharmonise = 'zscore'\nstandardise = false\nunlabelled = 'keep'\n"
      "[training]\noptimiser = 'adamw'\nclass_weights = false\n");
  EXPECT_EQ(config.data.normalize, data::Normalize::kZscore);
  EXPECT_FALSE(config.data.standardize);
  EXPECT_EQ(config.data.unlabeled, data::Unlabeled::kKeep);
  EXPECT_EQ(config.optimizer, Optimizer::kAdamw);
  EXPECT_FALSE(config.pos_weight);
  EXPECT_EQ(log.warnings.size(), 5U);
  EXPECT_TRUE(log.warned("run.toml:2: 'data.harmonise' is now 'data.normalize'"));
  EXPECT_TRUE(log.warned("run.toml:3: 'data.standardise' is now 'data.standardize'"));
  EXPECT_TRUE(log.warned("run.toml:4: 'data.unlabelled' is now 'data.unlabeled'"));
  EXPECT_TRUE(log.warned("run.toml:6: 'training.optimiser' is now 'training.optimizer'"));
  EXPECT_TRUE(log.warned("run.toml:7: 'training.class_weights' is now 'training.pos_weight'"));
  expect_error([] { from_text("[data]\nnormalize = 'none'\nharmonise = 'zscore'\n"); },
               {"run.toml:3: ", "'data.harmonise' is the old word for 'data.normalize', which is there too"});
  expect_error([] { from_text("[data]\nunlabelled = 'x'\n"); }, {"run.toml:2: 'data.unlabeled' is 'x'"});
}

TEST(TrainingConfig, NewFilesUseTheNewWords) {
  const TemporaryFolder folder;
  write_config(folder / "a.toml", {});
  const std::string text = read_file(folder / "a.toml");
  for (const char* old : {"harmonise", "standardise", "unlabelled", "optimiser", "class_weights"})
    EXPECT_EQ(text.find(old), std::string::npos) << old;
  LogCapture log;
  read_config(folder / "a.toml");
  EXPECT_TRUE(log.warnings.empty());
}

}  // namespace
}  // namespace cardiograd::model
