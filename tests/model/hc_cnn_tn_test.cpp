// The whole model against PyTorch's twin (scripts/golden/model.py): weights loaded from its file, dropout off, batch
// norm in training mode; gradients in double precision there.
#include "model/hc_cnn_tn.h"

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "dsp/features/features.h"
#include "engine/autograd.h"
#include "engine/io/safetensors.h"
#include "engine/optim/adam.h"

namespace cardiograd::model {
namespace {

struct Golden {
  explicit Golden(const std::string& path) : file(read_safetensors(path)) {
    const nlohmann::json j = nlohmann::json::parse(file.metadata.at("config"));
    config = {.classes = j.at("classes"),
              .features = j.at("features"),
              .leads = j.at("leads"),
              .samples = j.at("time"),
              .channels = j.at("channels"),
              .kernels = j.at("kernels"),
              .positions = j.value("positions", true),
              .encoder_layers = j.at("layers"),
              .heads = j.at("heads"),
              .feed_forward = j.at("ff"),
              .encoder_dropout = 0,
              .pool = parse_word<Pool>("pool", j.value("pool", "mean")),
              .feature_width = j.value("feature_width", HcCnnTnConfig{}.feature_width),
              .head_width = j.value("head_width", HcCnnTnConfig{}.head_width),
              .head_dropout = 0};
    learning_rate = j.at("learning_rate");
    const Tensor& x = at("x");  // (N, leads, T)
    signals = Tensor::empty({x.dim(0), x.dim(2), x.dim(1)});
    for (std::int64_t n = 0; n < x.dim(0); ++n)
      for (std::int64_t c = 0; c < x.dim(1); ++c)
        for (std::int64_t t = 0; t < x.dim(2); ++t)
          signals.data()[(n * x.dim(2) + t) * x.dim(1) + c] = x.data()[(n * x.dim(1) + c) * x.dim(2) + t];
  }
  const Tensor& at(const std::string& name) const { return file.tensors.at("golden." + name); }

  SafetensorsFile file;
  HcCnnTnConfig config;
  double learning_rate = 0;
  Tensor signals;
};

double norm(const Tensor& x) {
  double sum = 0;
  for (const float value : x.values()) sum += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(sum);
}

double distance(const Tensor& x, const Tensor& y) {
  double sum = 0;
  for (std::int64_t i = 0; i < x.count(); ++i)
    sum += std::pow(static_cast<double>(x.data()[i]) - static_cast<double>(y.data()[i]), 2);
  return std::sqrt(sum);
}

void expect_gradients(HcCnnTn& net, const Golden& golden) {
  double all = 0;
  for (const nn::NamedTensor& p : net.parameters()) all += std::pow(norm(golden.at("grad." + p.name)), 2);
  all = std::sqrt(all);
  for (const nn::NamedTensor& p : net.parameters()) {
    const Tensor& expected = golden.at("grad." + p.name);
    // Biases before batch norms have none: PyTorch's is rounding noise.
    const Tensor gradient = p.tensor->grad().defined() ? p.tensor->grad() : Tensor::zeros(p.tensor->shape());
    const Tensor got = to_pytorch(gradient, p.layout);
    ASSERT_EQ(got.shape(), expected.shape()) << p.name;
    EXPECT_TRUE(distance(got, expected) <= 1e-4 * norm(expected) + 1e-7 * all)
        << p.name << ": ‖difference‖ " << distance(got, expected) << ", ‖gradient‖ " << norm(expected) << ", ‖all‖ "
        << all;
  }
}

void expect_equal_to(const std::string& path) {
  const Golden golden(path);
  HcCnnTn net(golden.config, 0);
  restore_tensors(golden.file, "", path, net.named_tensors());
  net.set_training(true);
  optim::Adam adam(net.parameters());
  for (int step = 0; step < 10; ++step) {
    const Tensor logits = net.forward(golden.signals, golden.at("f"));
    const Tensor loss = ops::weighted_bce(logits, golden.at("y"), golden.at("pos_weight"));
    backward(loss);
    if (step == 0) {
      for (std::int64_t i = 0; i < logits.count(); ++i)
        EXPECT_NEAR(logits.data()[i], golden.at("logits").data()[i], 1e-5);
      EXPECT_NEAR(loss.data()[0], golden.at("loss").data()[0], 1e-5);
      expect_gradients(net, golden);
    }
    EXPECT_NEAR(loss.data()[0], golden.at("adam_losses").data()[step], 1e-4) << "Adam step " << step;
    adam.step(golden.learning_rate);
    net.clear_gradients();
  }
  net.set_training(false);
  const Tensor logits = net.forward(golden.signals, golden.at("f"));
  for (std::int64_t i = 0; i < logits.count(); ++i)
    EXPECT_NEAR(logits.data()[i], golden.at("eval_logits").data()[i], 1e-3);
}

TEST(HcCnnTn, DefaultsToAllFeatures) {
  EXPECT_EQ(HcCnnTnConfig{}.features, std::ssize(dsp::feature_columns()));
}

TEST(HcCnnTn, EqualsPyTorchOnASmallConfiguration) {
  expect_equal_to(std::string(CARDIOGRAD_TESTS_DIR) + "/model/golden/hc_cnn_tn_small.safetensors");
}

TEST(HcCnnTn, EqualsPyTorchWithMeanAndMaximumAndWithoutPositions) {
  expect_equal_to(std::string(CARDIOGRAD_TESTS_DIR) + "/model/golden/hc_cnn_tn_mean_max.safetensors");
}

// The full size is 10 MB, so it is not checked in: python3 scripts/golden/model.py --full FILE makes it.
TEST(HcCnnTn, EqualsPyTorchInFullSize) {
  const char* path = std::getenv("CARDIOGRAD_GOLDEN_FULL");
  if (path == nullptr) GTEST_SKIP() << "set CARDIOGRAD_GOLDEN_FULL to a file of scripts/golden/model.py --full";
  expect_equal_to(path);
}

TEST(HcCnnTn, HasThePapersParameterCount) {
  HcCnnTn net({}, 0);
  EXPECT_EQ(net.parameter_count(), 1248261);
}

TEST(HcCnnTn, SameSeedSameWeightsOtherSeedOthers) {
  const HcCnnTnConfig small = {.features = 3, .samples = 64, .channels = {8}, .kernels = {3}, .heads = 2};
  HcCnnTn a(small, 1);
  HcCnnTn b(small, 1);
  HcCnnTn c(small, 2);
  EXPECT_EQ(a.parameters()[0].tensor->values(), b.parameters()[0].tensor->values());
  EXPECT_NE(a.parameters()[0].tensor->values(), c.parameters()[0].tensor->values());
}

TEST(HcCnnTn, WorksWithoutFeaturesAndRefusesWrongInputs) {
  HcCnnTn net({.features = 0, .samples = 64, .channels = {8}, .kernels = {3}, .heads = 2}, 1);
  EXPECT_EQ(net.forward(Tensor::zeros({3, 64, 12}), {}).shape(), (Shape{3, 5}));
  EXPECT_THROW(net.forward(Tensor::zeros({3, 63, 12}), {}), Error);
  EXPECT_THROW(HcCnnTn({.channels = {8}, .kernels = {4}}, 1), Error);
  EXPECT_THROW(HcCnnTn({.samples = 4}, 1), Error);
  EXPECT_THROW(HcCnnTn({.heads = 7}, 1), Error);
}

TEST(HcCnnTn, TheWholeIsItsHalvesInTurn) {
  HcCnnTnConfig config{.features = 3, .samples = 64, .channels = {8, 8}, .kernels = {5, 3}, .heads = 2};
  Tensor x = Tensor::empty({2, 64, 12});
  for (std::int64_t i = 0; i < x.count(); ++i) x.data()[i] = static_cast<float>(i % 17) - 8;
  const Tensor features = Tensor::full({2, 3}, 0.5F);
  for (const bool positions : {true, false})
    for (const Pool pool : {Pool::kMean, Pool::kMeanMax}) {
      config.positions = positions;
      config.pool = pool;
      HcCnnTn net(config, 1);
      const Tensor encoded = net.encode(x);
      EXPECT_EQ(encoded.shape(), (Shape{2, pool == Pool::kMean ? 8 : 16}));
      EXPECT_EQ(net.encode_tokens(net.convolve(x)).values(), encoded.values());
      EXPECT_EQ(net.forward(x, features).values(), net.classify(encoded, features).values());
    }
}

// Without positions the encoder reads no order: tokens in another one give the same, but for the order of the sums.
TEST(HcCnnTn, OrderCountsWithPositionsAlone) {
  HcCnnTnConfig config{.features = 0, .samples = 8, .channels = {8}, .kernels = {1}, .heads = 2};
  Tensor x = Tensor::empty({1, 8, 12}), swapped = Tensor::empty({1, 8, 12});
  for (std::int64_t i = 0; i < x.count(); ++i) x.data()[i] = std::sin(static_cast<float>(i * i));
  for (std::int64_t i = 0; i < x.count(); ++i) swapped.data()[i] = x.data()[(i + x.count() / 2) % x.count()];
  for (const bool positions : {true, false}) {
    config.positions = positions;
    HcCnnTn net(config, 1);
    const double change = distance(net.forward(x, {}), net.forward(swapped, {}));
    EXPECT_TRUE(positions ? change > 1e-3 : change <= 1e-5) << change;
  }
}

// The names and shapes of a weight file are a promise to everyone who has one.
TEST(HcCnnTn, NamesAreThoseOfPyTorchsTwin) {
  HcCnnTn net({.features = 3, .samples = 64, .channels = {8, 8}, .kernels = {5, 3}, .encoder_layers = 1, .heads = 2},
              1);
  std::vector<std::string> layers;
  for (const nn::NamedTensor& parameter : net.parameters())
    if (parameter.name.ends_with(".weight")) layers.push_back(parameter.name.substr(0, parameter.name.size() - 7));
  EXPECT_EQ(layers,
            (std::vector<std::string>{"cnn.0", "cnn.1", "cnn.4", "cnn.5", "encoder.layers.0.self_attn.out_proj",
                                      "encoder.layers.0.linear1", "encoder.layers.0.linear2", "encoder.layers.0.norm1",
                                      "encoder.layers.0.norm2", "hc.0", "hc.1", "hc.3", "hc.4", "head.0", "head.3"}));
}

TEST(HcCnnTn, DropoutDependsOnStepAndSeedAndOnlyActsInTraining) {
  HcCnnTn net({.features = 0, .samples = 64, .channels = {8}, .kernels = {3}, .heads = 2}, 1);
  Tensor x = Tensor::empty({2, 64, 12});
  for (std::int64_t i = 0; i < x.count(); ++i) x.data()[i] = static_cast<float>(i % 17) - 8;
  const auto logits = [&](std::uint64_t seed, std::uint32_t step) {
    net.set_dropout_step(seed, step);
    return net.forward(x, {}).values();
  };
  EXPECT_EQ(logits(1, 1), logits(1, 2));
  net.set_training(true);
  EXPECT_EQ(logits(1, 1), logits(1, 1));
  EXPECT_NE(logits(1, 1), logits(1, 2));
  EXPECT_NE(logits(1, 1), logits(2, 1));
}

}  // namespace
}  // namespace cardiograd::model
