// The baselines: their sizes are those that are published, small ones equal PyTorch's
// (scripts/golden/baselines.py).
#include "model/conv_classifier.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "engine/autograd.h"
#include "engine/io/safetensors.h"
#include "engine/ops/ops.h"
#include "model/registry.h"
#include "tests/data/helpers.h"

namespace cardiograd::model {
namespace {

using data::testing::expect_error;

Architecture architecture(const std::string& name, const DataShape& shape, const nlohmann::json& sizes) {
  Architecture a(name);
  a.set_shape(shape);
  const auto fields = a.fields();
  for (const auto& [key, value] : sizes.items()) {
    const ConfigField& field = field_named(fields, key);
    if (value.is_array())
      *std::get<std::vector<std::int64_t>*>(field.value) = value.get<std::vector<std::int64_t>>();
    else
      *std::get<std::int64_t*>(field.value) = value.get<std::int64_t>();
  }
  for (const ConfigField& field : a.fields())
    if (field.key.ends_with("dropout")) *std::get<double*>(field.value) = 0;
  return a;
}

struct Golden {
  Golden() : file(read_safetensors(std::string(CARDIOGRAD_TESTS_DIR) + "/model/golden/baselines.safetensors")) {
    sizes = nlohmann::json::parse(file.metadata.at("sizes"));
    const Tensor& x = at("x");  // (N, leads, T)
    shape = {.classes = at("y").dim(1), .features = 0, .leads = x.dim(1), .samples = x.dim(2)};
    signals = Tensor::empty({x.dim(0), x.dim(2), x.dim(1)});
    for (std::int64_t n = 0; n < x.dim(0); ++n)
      for (std::int64_t c = 0; c < x.dim(1); ++c)
        for (std::int64_t t = 0; t < x.dim(2); ++t)
          signals.data()[(n * x.dim(2) + t) * x.dim(1) + c] = x.data()[(n * x.dim(1) + c) * x.dim(2) + t];
  }
  const Tensor& at(const std::string& name) const { return file.tensors.at(name); }

  SafetensorsFile file;
  nlohmann::json sizes;
  DataShape shape;
  Tensor signals;
};

std::vector<nn::NamedTensor> sorted(std::vector<nn::NamedTensor> named) {
  std::sort(named.begin(), named.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return named;
}

Shape pytorch_shape(const nn::NamedTensor& named) {
  const Shape& s = named.tensor->shape();
  if (named.layout == nn::Layout::kConv1d) return {s[2], s[1], s[0]};
  return named.layout == nn::Layout::kLinear ? Shape{s[1], s[0]} : s;
}

void load(Model& net, const Tensor& state) {
  std::int64_t at = 0;
  for (const nn::NamedTensor& named : sorted(net.named_tensors())) {
    const Tensor values = from_pytorch(state.part(at, pytorch_shape(named)), named.layout);
    std::copy_n(values.data(), values.count(), named.tensor->data());
    at += values.count();
  }
  ASSERT_EQ(at, state.count());
}

double norm(const float* x, const float* y, std::int64_t count) {
  double sum = 0;
  for (std::int64_t i = 0; i < count; ++i)
    sum += std::pow(static_cast<double>(x[i]) - (y == nullptr ? 0 : static_cast<double>(y[i])), 2);
  return std::sqrt(sum);
}

void expect_gradients(Model& net, const Tensor& expected) {
  const double all = norm(expected.data(), nullptr, expected.count());
  std::int64_t at = 0;
  for (const nn::NamedTensor& named : sorted(net.parameters())) {
    // Biases before batch norms have none: PyTorch's is rounding noise.
    const Tensor& gradient = named.tensor->grad();
    const Tensor got = to_pytorch(gradient.defined() ? gradient : Tensor::zeros(named.tensor->shape()), named.layout);
    const float* golden = expected.data() + at;
    EXPECT_TRUE(norm(got.data(), golden, got.count()) <= 1e-4 * norm(golden, nullptr, got.count()) + 1e-6 * all)
        << named.name;
    at += got.count();
  }
  EXPECT_EQ(at, expected.count());
}

void expect_close(const Tensor& got, const Tensor& expected) {
  ASSERT_EQ(got.count(), expected.count());
  for (std::int64_t i = 0; i < got.count(); ++i)
    EXPECT_TRUE(std::abs(got.data()[i] - expected.data()[i]) <= 2e-5F) << i;
}

class Baseline : public ::testing::TestWithParam<const char*> {};

void expect_equal(const std::string& model, const Golden& golden, const std::string& name, const Tensor& features) {
  DataShape shape = golden.shape;
  if (features.defined()) shape.features = features.dim(1);
  const auto net = architecture(model, shape, golden.sizes.at(model)).build(0);
  load(*net, golden.at(name + ".state"));
  net->set_training(true);
  const Tensor logits = net->forward(golden.signals, features);
  const Tensor loss = ops::bce_with_logits(logits, golden.at("y"));
  backward(loss);
  expect_close(logits, golden.at(name + ".logits"));
  expect_close(loss, golden.at(name + ".loss"));
  expect_gradients(*net, golden.at(name + ".grads"));
  net->set_training(false);
  expect_close(net->forward(golden.signals, features), golden.at(name + ".eval_logits"));
}

TEST_P(Baseline, EqualsPyTorch) {
  expect_equal(GetParam(), Golden(), GetParam(), {});
}

INSTANTIATE_TEST_SUITE_P(Models, Baseline,
                         ::testing::Values("fcn_wang", "resnet1d_wang", "inception1d", "xresnet1d101", "lstm",
                                           "lstm_bidir", "mrf_cnn_standin", "cnn_bilstm_standin", "resnet34_standin",
                                           "xecgnet_standin", "s4", "cnn_entropy_standin", "multibranch_cnn_standin"),
                         [](const auto& test) { return test.param; });

TEST(ConvClassifier, EqualsPyTorchWithFeatures) {
  const Golden golden;
  expect_equal("fcn_wang", golden, "features.fcn_wang", golden.at("f"));
  expect_equal("cnn_entropy_standin", golden, "features.cnn_entropy_standin", golden.at("f"));
}

TEST(ConvClassifier, FeaturesAddABranch) {
  const Golden golden;
  const auto build = [&](std::int64_t features) {
    DataShape shape = golden.shape;
    shape.features = features;
    return architecture("fcn_wang", shape, golden.sizes.at("fcn_wang")).build(7);
  };
  const auto without = build(0), with = build(3);
  EXPECT_EQ(without->transfer().by_feature, "");
  EXPECT_EQ(with->transfer().by_feature, "hc.0.weight");
  const auto expected = without->named_tensors(), got = with->named_tensors();
  ASSERT_EQ(got.size(), expected.size() + 2 * (2 + 4));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(got[i].name, expected[i].name);
  for (std::size_t i = expected.size(); i < got.size(); ++i) EXPECT_TRUE(got[i].name.starts_with("hc.")) << got[i].name;
  EXPECT_THROW(with->forward(golden.signals, Tensor::zeros({4, 2})), Error);
}

TEST(ConvClassifier, HasThePublishedNumberOfParameters) {
  const auto count = [](const char* name, std::int64_t classes) {
    Architecture a(name);
    a.set_shape({.classes = classes, .features = 0, .leads = 12, .samples = 250});
    return a.build(0)->parameter_count();
  };
  EXPECT_EQ(count("fcn_wang", 5), 309765);
  EXPECT_EQ(count("fcn_wang", 71), 318279);
  EXPECT_EQ(count("resnet1d_wang", 5), 473349);
  EXPECT_EQ(count("inception1d", 23), 509975);
  EXPECT_EQ(count("xresnet1d101", 5), 1872261);
  EXPECT_EQ(count("lstm", 5), 903685);
  EXPECT_EQ(count("lstm_bidir", 71), 2339143);
  EXPECT_EQ(count("s4", 5), 2149381);
  EXPECT_EQ(count("s4", 71), 2183239);
  EXPECT_EQ(count("mrf_cnn_standin", 5), 120965);  // by hand
  EXPECT_EQ(count("cnn_bilstm_standin", 5), 393477);
  EXPECT_EQ(count("resnet34_standin", 5), 16606085);
  EXPECT_EQ(count("xecgnet_standin", 5), 2235517);
  const auto count_of_records = [](const char* name, std::int64_t features) {
    Architecture a(name);
    a.set_shape({.classes = 5, .features = features, .leads = 12, .samples = 1000});
    return a.build(0)->parameter_count();
  };
  EXPECT_EQ(count_of_records("cnn_entropy_standin", 108), 156573);
  EXPECT_EQ(count_of_records("multibranch_cnn_standin", 0), 816965);
}

// Kaiming normal by the fan in, biases 0, batch norms 1 and 0.
TEST(ConvClassifier, BeginsWithTheInitialWeightsOfTheSource) {
  Architecture a("fcn_wang");
  a.set_shape({.classes = 5, .features = 0, .leads = 12, .samples = 250});
  const auto net = a.build(7);
  for (const nn::NamedTensor& named : net->parameters()) {
    const Tensor& tensor = *named.tensor;
    const auto count = static_cast<double>(tensor.count());
    double sum = 0, squares = 0;
    for (const float value : tensor.values()) {
      sum += static_cast<double>(value);
      squares += std::pow(static_cast<double>(value), 2);
    }
    if (named.layout == nn::Layout::kSame) {
      EXPECT_EQ(sum, named.name.ends_with("bias") ? 0 : count) << named.name;
      EXPECT_EQ(squares, sum) << named.name;
      continue;
    }
    const double variance = 2 * static_cast<double>(tensor.shape().last()) / count;
    EXPECT_NEAR(squares / count / variance, 1, 6 * std::sqrt(2 / count)) << named.name;
    EXPECT_NEAR(sum / count, 0, 5 * std::sqrt(variance / count)) << named.name;
  }
}

TEST(ConvClassifier, RefusesWhatCannotBe) {
  const DataShape shape = {.classes = 2, .features = 0, .leads = 2, .samples = 100};
  const auto build = [](const char* name, DataShape data, const nlohmann::json& sizes) {
    return [=] { architecture(name, data, sizes).build(0); };
  };
  DataShape shorter = shape;
  shorter.samples = 31;
  expect_error(build("fcn_wang", shape, {{"feature_width", 0}}), {"feature_width is 0"});
  expect_error(build("xresnet1d101", shorter, {}), {"31 samples, at least 32 are needed"});
  expect_error(build("fcn_wang", shape, {{"kernels", {3}}}), {"3 channels and 1 kernels"});
  expect_error(build("resnet1d_wang", shape, {{"kernels", {4, 3}}}), {"odd"});
  expect_error(build("inception1d", shape, {{"modules", 4}}), {"4 modules, expected a multiple of 3"});
  expect_error(build("xresnet1d101", shape, {{"kernel", 4}}), {"odd kernel"});
  expect_error(build("mrf_cnn_standin", shape, {{"channels", {32, 30}}}),
               {"30 channels, expected a multiple of the 4"});
  expect_error(build("cnn_bilstm_standin", shape, {{"kernels", {3}}}), {"3 channels and 1 kernels"});
  expect_error(build("resnet34_standin", shape, {{"blocks", {3}}}), {"4 channels and 1 blocks"});
  expect_error(build("xecgnet_standin", shape, {{"reduction", 64}}), {"32 channels, fewer than the reduction of 64"});
  expect_error(build("s4", shape, {{"states", 5}}), {"5 states, expected an even number"});
  expect_error(build("cnn_entropy_standin", shape, {{"kernels", {3}}}), {"5 channels and 1 kernels"});
  expect_error(build("multibranch_cnn_standin", shape, {{"kernels", {3, 5, 4}}}), {"odd kernels"});
  expect_error(build("multibranch_cnn_standin", shape, {{"map_channels", {2, 2, 2}}}),
               {"a map of 2 leads and 64 values cannot be halved 2 times"});
  shorter.samples = 7;
  expect_error(build("cnn_bilstm_standin", shorter, {}), {"7 samples, at least 8 are needed"});
}

}  // namespace
}  // namespace cardiograd::model
