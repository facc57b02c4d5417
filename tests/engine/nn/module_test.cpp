#include "engine/nn/module.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/nn/layers.h"

namespace cardiograd::nn {
namespace {

struct Net : Sequential {
  explicit Net(PhiloxStream random) {
    append<Linear>("in", 2, 3, random);
    append<BatchNorm1d>("norm", 3);
    append<Dropout>("drop", 0.5F);
    append<Sequential>("out").append<Linear>("0", 3, 1, random);
  }
};

std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const NamedTensor& named : tensors) names.push_back(named.name);
  return names;
}

TEST(Module, NamesJoinWithDotsAndBuffersAreNoParameters) {
  Net net(PhiloxStream(1));
  EXPECT_EQ(names(net.parameters()), (std::vector<std::string>{"in.weight", "in.bias", "norm.weight", "norm.bias",
                                                               "out.0.weight", "out.0.bias"}));
  EXPECT_EQ(names(net.named_tensors()),
            (std::vector<std::string>{"in.weight", "in.bias", "norm.weight", "norm.bias", "norm.running_mean",
                                      "norm.running_var", "out.0.weight", "out.0.bias"}));
  for (const NamedTensor& named : net.named_tensors())
    EXPECT_EQ(named.tensor->requires_grad(), named.is_parameter) << named.name;
}

TEST(Module, WhatIsFrozenNeitherLearnsNorDropsNorCounts) {
  Net whole(PhiloxStream(1));
  Sequential outer;
  PhiloxStream random(2);
  Net& net = outer.append<Net>("net", random);
  outer.append<Linear>("last", 1, 1, random);
  net.freeze();
  outer.to(Device::kCpu);
  outer.set_training(true);
  EXPECT_FALSE(net.training());
  EXPECT_EQ(names(outer.parameters()), (std::vector<std::string>{"last.weight", "last.bias"}));
  EXPECT_EQ(outer.named_tensors().size(), whole.named_tensors().size() + 2);
  for (const NamedTensor& named : net.named_tensors()) EXPECT_FALSE(named.tensor->requires_grad()) << named.name;
  Tensor x = Tensor::empty({8, 2});
  for (int i = 0; i < 16; ++i) x.data()[i] = static_cast<float>(i % 7);
  const std::vector<NamedTensor> tensors = net.named_tensors();
  const std::vector<float> mean = tensors[4].tensor->values();
  outer.set_dropout_step(1, 0);
  const std::vector<float> first = outer.forward(x).values();
  outer.set_dropout_step(1, 1);
  EXPECT_EQ(outer.forward(x).values(), first);
  EXPECT_EQ(tensors[4].tensor->values(), mean);
}

TEST(Module, ANameIsGivenOnce) {
  PhiloxStream random(1);
  Sequential net;
  net.append<Linear>("0", 2, 2, random);
  EXPECT_THROW(net.append<Linear>("0", 2, 2, random), Error);
}

TEST(Module, DropoutDropsInTrainingOnly) {
  Net net(PhiloxStream(1));
  Tensor x = Tensor::empty({64, 2});  // not constant: the batch norm would make zeros of it
  for (int i = 0; i < 128; ++i) x.data()[i] = static_cast<float>(i % 7);
  EXPECT_EQ(net.forward(x).values(), net.forward(x).values());
  net.set_training(true);
  net.set_dropout_step(1, 0);
  const std::vector<float> first = net.forward(x).values();
  EXPECT_EQ(net.forward(x).values(), first);
  net.set_dropout_step(1, 1);
  EXPECT_NE(net.forward(x).values(), first);
}

}  // namespace
}  // namespace cardiograd::nn
