// Every differentiable operation against PyTorch's values and gradients (scripts/golden/layers.py, double precision).
#include <cmath>
#include <fstream>
#include <map>
#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "engine/autograd.h"
#include "engine/io/safetensors.h"
#include "engine/nn/layers.h"
#include "engine/nn/lstm.h"
#include "engine/ops/ops.h"

namespace cardiograd {
namespace {

using nlohmann::json;

// The golden arrays are in PyTorch's layout: (N, C, T) for signals.
Tensor read(const json& array) {
  const std::vector<std::int64_t> dims = array.at("shape");
  return Tensor::from(array.at("data").get<std::vector<float>>(), Shape(dims));
}

// (N, C, T) <-> (N, T, C); other shapes stay.
Tensor swap_time(const Tensor& x) {
  if (x.shape().dims() != 3) return x;
  Tensor y = Tensor::empty({x.dim(0), x.dim(2), x.dim(1)});
  for (std::int64_t n = 0; n < x.dim(0); ++n)
    for (std::int64_t i = 0; i < x.dim(1); ++i)
      for (std::int64_t j = 0; j < x.dim(2); ++j)
        y.data()[(n * x.dim(2) + j) * x.dim(1) + i] = x.data()[(n * x.dim(1) + i) * x.dim(2) + j];
  return y;
}

void expect_close(const Tensor& got, const Tensor& expected, const std::string& what) {
  ASSERT_TRUE(got.defined()) << what;
  ASSERT_EQ(got.count(), expected.count()) << what;
  double difference = 0;
  double norm = 0;
  for (std::int64_t i = 0; i < got.count(); ++i) {
    difference += std::pow(static_cast<double>(got.data()[i]) - static_cast<double>(expected.data()[i]), 2);
    norm += std::pow(static_cast<double>(expected.data()[i]), 2);
  }
  EXPECT_TRUE(std::sqrt(difference) <= 2e-6 * std::sqrt(norm) + 1e-6)
      << what << ": ‖difference‖ " << std::sqrt(difference) << ", ‖expected‖ " << std::sqrt(norm);
}

struct Case {
  explicit Case(const json& j)
      : params(j.at("params")), op(j.at("op")), name(op + " " + j.at("name").get<std::string>()) {
    const bool channels_first = op == "conv1d" || op == "batch_norm" || op == "max_pool" || op == "avg_pool" ||
                                op == "gate" || op == "long_conv1d" || op == "softmax_pool" || op.ends_with("_time");
    const auto convert = [&](const std::string& key, const Tensor& t) {
      if (key == "weight" && op == "conv1d") return from_pytorch(t, nn::Layout::kConv1d);
      if (key == "weight" && op == "linear") return from_pytorch(t, nn::Layout::kLinear);
      if (key == "in_proj_weight" || key == "out_proj.weight") return from_pytorch(t, nn::Layout::kLinear);
      if (op == "long_conv1d" && key == "w") return from_pytorch(t, nn::Layout::kLinear);
      if (op == "lstm" && key.starts_with("weight")) return from_pytorch(t, nn::Layout::kLinear);
      return channels_first ? swap_time(t) : t;
    };
    for (const auto& [key, value] : j.at("inputs").items()) inputs[key] = convert(key, read(value));
    for (const auto& [key, value] : j.at("outputs").items()) outputs[key] = convert(key, read(value));
    for (const auto& [key, value] : j.at("gradients").items()) {
      gradients[key] = convert(key, read(value));
      inputs.at(key).set_requires_grad(true);
    }
    if (!inputs.contains("bias") && inputs.contains("weight"))
      inputs["bias"] = Tensor::zeros({inputs.at("weight").shape().last()});
  }
  const Tensor& in(const std::string& key) const { return inputs.at(key); }

  json params;
  std::string op;
  std::string name;
  std::map<std::string, Tensor> inputs;
  std::map<std::string, Tensor> outputs;
  std::map<std::string, Tensor> gradients;
};

// An nn::Lstm whose parameters are the case's.
Tensor run_lstm(const Case& c) {
  PhiloxStream random(0, 0);
  nn::Lstm net({.inputs = c.in("x").shape().last(),
                .width = c.params.at("width"),
                .layers = c.params.at("layers"),
                .bidirectional = c.params.at("bidirectional")},
               random);
  for (const nn::NamedTensor& named : net.named_tensors()) *named.tensor = c.in(named.name);
  return net.forward(c.in("x"));
}

Tensor forward(Case& c) {
  if (c.op == "conv1d")
    return ops::conv1d(c.in("x"), c.in("weight"), c.in("bias"),
                       {.stride = c.params.at("stride"),
                        .padding = c.params.at("padding"),
                        .dilation = c.params.at("dilation"),
                        .groups = c.params.at("groups")});
  if (c.op == "batch_norm")
    return ops::batch_norm(
        c.in("x"), c.in("weight"), c.in("bias"), c.inputs.at("running_mean"), c.inputs.at("running_var"),
        {.epsilon = c.params.at("eps"), .momentum = c.params.at("momentum"), .training = c.params.at("training")});
  if (c.op == "max_pool") return ops::max_pool1d(c.in("x"), c.params.at("kernel"), c.params.at("stride"));
  if (c.op == "avg_pool")
    return ops::avg_pool1d(c.in("x"), {.kernel = c.params.at("kernel"),
                                       .stride = c.params.at("stride"),
                                       .padding = c.params.at("padding"),
                                       .ceil_mode = c.params.at("ceil_mode")});
  if (c.op == "max_time") return ops::max_over_time(c.in("x"));
  if (c.op == "select_time") return ops::select_time(c.in("x"), c.params.at("sample"));
  if (c.op == "lstm") return run_lstm(c);
  if (c.op == "long_conv1d") return ops::long_conv1d(c.in("x"), c.in("w"), c.params.at("before"));
  if (c.op == "softmax_pool") return ops::softmax_pool(c.in("z"), c.in("x"));
  if (c.op == "gate") return ops::gate(c.in("x"), c.in("g"));
  if (c.op == "gelu") return ops::gelu(c.in("x"));
  if (c.op == "relu") return ops::relu(c.in("x"));
  if (c.op == "leaky_relu") return ops::leaky_relu(c.in("x"));
  if (c.op == "tanh") return ops::tanh(c.in("x"));
  if (c.op == "layer_norm") return ops::layer_norm(c.in("x"), c.in("weight"), c.in("bias"), c.params.at("eps"));
  if (c.op == "linear") return ops::linear(c.in("x"), c.in("weight"), c.in("bias"));
  if (c.op == "weighted_bce") return ops::weighted_bce(c.in("logits"), c.in("labels"), c.in("pos_weight"));
  if (c.op == "multi_head_attention") {
    const Tensor qkv = ops::linear(c.in("x"), c.in("in_proj_weight"), c.in("in_proj_bias"));
    return ops::linear(ops::attention(qkv, c.params.at("heads"), {}), c.in("out_proj.weight"), c.in("out_proj.bias"));
  }
  throw std::invalid_argument("golden operation " + c.op + " has no counterpart");
}

TEST(GoldenLayers, ValuesAndGradientsAreThoseOfPyTorch) {
  std::ifstream file(std::string(CARDIOGRAD_TESTS_DIR) + "/engine/golden/layers.json");
  const json cases = json::parse(file);
  ASSERT_GE(cases.size(), 40U);
  for (const json& j : cases) {
    Case c(j);
    const Tensor y = forward(c);
    expect_close(y, c.outputs.at("y"), c.name + " y");
    for (const char* statistic : {"running_mean", "running_var"})
      if (c.outputs.contains(statistic)) expect_close(c.in(statistic), c.outputs.at(statistic), c.name + statistic);
    backward(y, c.in("dy").view(y.shape()));
    for (const auto& [key, expected] : c.gradients)
      expect_close(c.in(key).grad(), expected, c.name + " gradient of " + key);
  }
}

}  // namespace
}  // namespace cardiograd
