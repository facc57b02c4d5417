#include "model/state_dict.h"

#include <cmath>
#include <cstring>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/file.h"
#include "engine/io/safetensors.h"
#include "model/hc_cnn_tn.h"
#include "tests/common/expect_error.h"
#include "tests/common/temporary_folder.h"

namespace cardiograd::model {
namespace {

using cardiograd::testing::expect_error;
using cardiograd::testing::TemporaryFolder;

HcCnnTnConfig small_config() {
  return {.classes = 3,
          .features = 4,
          .leads = 3,
          .samples = 64,
          .channels = {6, 8},
          .kernels = {5, 3},
          .encoder_layers = 1,
          .heads = 2,
          .feed_forward = 12,
          .feature_width = 6,
          .head_width = 10};
}

// The tensors of a file as another program would save them in `dtype`, without metadata; those of F64 times `factor`.
void write_as(const std::filesystem::path& path, const SafetensorsFile& file, const std::string& dtype,
              double factor = 1) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const auto& [name, tensor] : file.tensors) {
    const std::size_t begin = data.size();
    for (const float value : tensor.values()) {
      const double wide = factor * static_cast<double>(value);
      std::uint32_t bits = 0;
      std::memcpy(&bits, &value, sizeof bits);
      const std::uint32_t upper = bits >> 16;  // bfloat16, rounded toward zero
      if (dtype == "F64") data.append(reinterpret_cast<const char*>(&wide), 8);
      if (dtype == "BF16") data.append(reinterpret_cast<const char*>(&upper), 2);
    }
    std::vector<std::int64_t> dims;
    for (int i = 0; i < tensor.shape().dims(); ++i) dims.push_back(tensor.dim(i));
    header[name] = {{"dtype", dtype}, {"shape", dims}, {"data_offsets", {begin, data.size()}}};
  }
  const std::string text = header.dump();
  const std::uint64_t size = text.size();
  write_file(path, std::string(reinterpret_cast<const char*>(&size), 8) + text + data);
}

TEST(StateDict, GoesOutAndComesBack) {
  const TemporaryFolder folder;
  HcCnnTn net(small_config(), 3);
  write_state_dict(folder / "a", net);
  const SafetensorsFile file = read_safetensors(folder / "a");
  // What PyTorch's batch norm counts: four of them.
  EXPECT_EQ(file.counters.size(), 4U);
  EXPECT_TRUE(file.counters.contains("cnn.1.num_batches_tracked"));
  EXPECT_EQ(file.tensors.at("cnn.0.weight").shape(), (Shape{6, 3, 5}));  // PyTorch's order
  HcCnnTn other(small_config(), 4);
  read_state_dict(folder / "a", other);
  write_state_dict(folder / "b", other);
  EXPECT_EQ(read_file(folder / "a"), read_file(folder / "b"));
}

// Weights of synthetic ECGs stay such where they go.
TEST(StateDict, SaysThatItsWeightsAreOfSyntheticEcgs) {
  const TemporaryFolder folder;
  HcCnnTn net(small_config(), 3);
  write_state_dict(folder / "a", net);
  EXPECT_FALSE(synthetic_mark(folder / "a").trained || synthetic_mark(folder / "a").started);
  write_state_dict(folder / "b", net, Existing::kReplace, {.trained = true});
  EXPECT_TRUE(synthetic_mark(folder / "b").trained);
  EXPECT_FALSE(synthetic_mark(folder / "b").started);
  write_state_dict(folder / "c", net, Existing::kReplace, {.started = true});
  EXPECT_TRUE(synthetic_mark(folder / "c").started);
  HcCnnTn other(small_config(), 4);
  read_state_dict(folder / "b", other);
}

TEST(StateDict, OtherNumberTypesAreRounded) {
  const TemporaryFolder folder;
  HcCnnTn net(small_config(), 3);
  write_state_dict(folder / "a", net);
  const SafetensorsFile file = read_safetensors(folder / "a");
  for (const char* dtype : {"F64", "BF16"}) {
    write_as(folder / dtype, file, dtype);
    HcCnnTn other(small_config(), 4);
    read_state_dict(folder / dtype, other);
    write_state_dict(folder / "b", other);
    const SafetensorsFile back = read_safetensors(folder / "b");
    const double tolerance = std::string(dtype) == "F64" ? 0 : 1.0 / 128;
    for (const auto& [name, tensor] : file.tensors)
      for (std::int64_t i = 0; i < tensor.count(); ++i) {
        const auto was = static_cast<double>(tensor.data()[i]);
        EXPECT_TRUE(std::abs(static_cast<double>(back.tensors.at(name).data()[i]) - was) <= tolerance * std::abs(was));
      }
  }
}

TEST(StateDict, WhatDoesNotFitIsNamed) {
  const TemporaryFolder folder;
  HcCnnTn net(small_config(), 3);
  write_state_dict(folder / "a", net);
  SafetensorsFile file = read_safetensors(folder / "a");
  file.tensors.emplace("extra.weight", file.tensors.at("head.0.bias"));
  file.tensors.erase("head.3.bias");
  write_safetensors(folder / "names", file);
  expect_error([&] { read_state_dict(folder / "names", net); }, {"no head.3.bias", "not known: extra.weight"});
  HcCnnTnConfig wider = small_config();
  wider.head_width = 11;
  HcCnnTn other(wider, 1);
  write_state_dict(folder / "before", other);
  EXPECT_THROW(read_state_dict(folder / "a", other), Error);
  write_state_dict(folder / "after", other);  // As it was, although the tensors before the head fit.
  EXPECT_EQ(read_file(folder / "before"), read_file(folder / "after"));
}

// Weights of which no training is made; the network stays as it was.
TEST(StateDict, ValuesThatNoNetworkHasAreNamed) {
  const TemporaryFolder folder;
  HcCnnTn net(small_config(), 3);
  write_state_dict(folder / "a", net);
  const auto with = [&](const char* name, float value) {
    SafetensorsFile file = read_safetensors(folder / "a");
    file.tensors.at(name).data()[1] = value;
    write_safetensors(folder / "changed", file);
  };
  const auto refused = [&](std::initializer_list<std::string_view> parts) {
    expect_error([&] { read_state_dict(folder / "changed", net); }, parts);
    write_state_dict(folder / "after", net);
    EXPECT_EQ(read_file(folder / "a"), read_file(folder / "after"));
  };
  with("head.0.weight", std::nanf(""));
  refused({"changed: tensor 'head.0.weight' holds nan"});
  with("cnn.0.bias", -INFINITY);
  refused({"tensor 'cnn.0.bias' holds -inf"});
  with("cnn.1.running_var", -0.5F);
  refused({"tensor 'cnn.1.running_var' holds -0.5, expected variances of 0 or more"});
  with("cnn.1.running_mean", -0.5F);  // A mean may be negative.
  read_state_dict(folder / "changed", net);
  read_state_dict(folder / "a", net);
  // What is a number in F64 and too large for F32.
  write_as(folder / "changed", read_safetensors(folder / "a"), "F64", 1e300);
  expect_error([&] { read_state_dict(folder / "changed", net); }, {"inf (as F32)"});
}

}  // namespace
}  // namespace cardiograd::model
