// A second model, as a baseline would be: one file and one entry, and everything else works with it.
#include "model/registry.h"

#include <stdexcept>

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/threads.h"
#include "engine/nn/layers.h"
#include "model/hc_cnn_tn.h"
#include "model/permutation_importance.h"
#include "model/preprocessing.h"
#include "model/trainer.h"
#include "tests/common/temporary_folder.h"
#include "tests/data/helpers.h"
#include "tests/model/tiny_set.h"

namespace cardiograd::model {

// Logistic regression on the mean of each lead and the features, after a hidden layer of `width`.
struct MeanModelConfig {
  std::int64_t classes = 5;
  std::int64_t features = 29;
  std::int64_t leads = 12;
  std::int64_t samples = 1000;
  std::int64_t width = 6;
};

std::vector<ConfigField> config_fields(MeanModelConfig& c) {
  auto fields = data_shape_fields(c.classes, c.features, c.leads, c.samples);
  fields.push_back(
      {.section = "model", .key = "width", .value = &c.width, .help = "hidden width", .range = {.min = 1, .max = 99}});
  return fields;
}

void check(const MeanModelConfig& config) {
  MeanModelConfig copy = config;
  check_fields(config_fields(copy));
}

class MeanModel : public Model {
 public:
  MeanModel(const MeanModelConfig& c, std::uint64_t seed) : Model({c.classes, c.features, c.leads, c.samples}) {
    check(c);
    PhiloxStream random(seed, 1);
    layers_.append<nn::Linear>("hidden", c.leads + c.features, c.width, random);
    layers_.append<nn::Relu>("relu");
    layers_.append<nn::Linear>("output", c.width, c.classes, random);
    add_module("layers", layers_);
  }
  Tensor encode(const Tensor& signals) override { return ops::mean_over_time(signals); }
  Tensor classify(const Tensor& encoded, const Tensor& features) override {
    return layers_.forward(features.defined() ? ops::concat(encoded, features) : encoded);
  }

 private:
  nn::Sequential layers_;
};

namespace {

using cardiograd::testing::TemporaryFolder;
using data::testing::expect_error;

class Registry : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    for (const ModelKind* kind : known_models())
      if (kind->name == "mean_model") return;  // the tests are repeated
    register_model(model_kind<MeanModelConfig, MeanModel>("mean_model", "Mean model", "a baseline"));
  }
  void SetUp() override { set_thread_count(1); }
  void TearDown() override { set_thread_count(0); }
};

TEST_F(Registry, KnowsItsModelsAndTheNearest) {
  EXPECT_EQ(Architecture().kind().name, "hc_cnn_tn");
  EXPECT_EQ(known_models().front()->title, "HC-CNN-TN");
  expect_error([] { Architecture("hc_cnn_nt"); }, {"model is 'hc_cnn_nt', expected hc_cnn_tn"});
  try {
    model_named("mean_mode");
    FAIL() << "expected a UsageError";
  } catch (const UsageError& error) {
    EXPECT_EQ(error.hint(), "Nearest: mean_model.");
  }
  EXPECT_THROW(register_model(model_kind<MeanModelConfig, MeanModel>("mean_model", "", "")), std::logic_error);
}

TEST_F(Registry, AnArchitectureIsAValue) {
  Architecture first = HcCnnTnConfig{.heads = 2};
  Architecture second = first;
  second.as<HcCnnTnConfig>().heads = 4;
  second.set_shape({.classes = 2, .features = 0, .leads = 3, .samples = 99});
  EXPECT_EQ(first.as<HcCnnTnConfig>().heads, 2);
  EXPECT_EQ(first.shape().samples, 1000);
  EXPECT_EQ(second.as<HcCnnTnConfig>().leads, 3);
  EXPECT_EQ(field_named(second.fields(), "heads").text(), "4");
  EXPECT_THROW(first.as<MeanModelConfig>(), std::bad_any_cast);
}

TEST_F(Registry, ABaselineTrainsAndIsLoadedLikeTheOther) {
  const TemporaryFolder folder;
  write_file(folder / "run.toml",
             "[data]\nfolder = 'unused'\n[training]\nbatch_size = 9\nepochs = 2\n"
             "[model]\nwidth = 7\nname = 'mean_model'\n");
  const TrainingConfig config = read_config(folder / "run.toml");
  write_config(folder / "again.toml", config);
  EXPECT_EQ(read_config(folder / "again.toml").model.as<MeanModelConfig>().width, 7);
  data::Dataset set = testing::tiny_set();
  Trainer trainer(config, set, folder.path());
  trainer.run({});
  EXPECT_EQ(trainer.net().parameter_count(), (4 + 2 + 1) * 7 + (7 + 1) * 3);
  const TrainedModel loaded = load_model(folder / "last.safetensors");
  EXPECT_EQ(loaded.description.architecture.kind().title, "Mean model");
  EXPECT_EQ(loaded.description.architecture.as<MeanModelConfig>().width, 7);
  const std::vector<std::int64_t> rows = {0, 1, 2, 3, 4, 5, 6, 7};
  const auto labels = labels_of(set, rows);
  const auto& scaling = loaded.description.feature_scaling;
  const DataLoader loader(take_arrays(set, scaling), loaded.description.signal_scaling);
  const auto importance = permutation_importance(*loaded.net, loader, scaling, rows, 3, labels, {.repeats = 2});
  EXPECT_EQ(importance.features.size(), 3U);  // each, and all of them together
  write_file(folder / "bad.toml", "[model]\nname = 'mean_model'\nheads = 2\n");
  expect_error([&] { read_config(folder / "bad.toml"); }, {"bad.toml:3: ", "unknown key 'model.heads'"});
}

}  // namespace
}  // namespace cardiograd::model
