#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "base/philox.h"
#include "engine/nn/layers.h"

namespace cardiograd::nn {
namespace {

Tensor random_tensor(const Shape& shape, std::uint64_t seed) {
  PhiloxStream random(seed);
  Tensor x = Tensor::empty(shape);
  for (std::int64_t i = 0; i < x.count(); ++i) x.data()[i] = static_cast<float>(random.normal());
  return x;
}

std::map<std::string, Tensor> weights_of(Module& module) {
  std::map<std::string, Tensor> all;
  for (const NamedTensor& named : module.named_tensors()) all.emplace(named.name, *named.tensor);
  return all;
}

// The weights, times the values, through the output projection, are what the layer computes.
TEST(AttentionWeights, GiveTheLayersOutput) {
  constexpr std::int64_t kRecords = 2, kTime = 5, kWidth = 6, kHeads = 2;
  PhiloxStream random(1);
  MultiHeadAttention layer(kWidth, kHeads, 0, random);
  const Tensor x = random_tensor({kRecords, kTime, kWidth}, 2);
  const Tensor weights = layer.weights(x);
  const Tensor y = layer.forward(x);
  const auto tensors = weights_of(layer);
  const Tensor& in = tensors.at("in_proj_weight");  // (width, 3 * width)
  const Tensor& out = tensors.at("out_proj.weight");
  ASSERT_EQ(weights.shape(), (Shape{kRecords, kHeads, kTime, kTime}));
  for (std::int64_t n = 0; n < kRecords; ++n)
    for (std::int64_t i = 0; i < kTime; ++i) {
      std::vector<double> mean(kWidth);
      for (std::int64_t c = 0; c < kWidth; ++c) {
        double row = 0;
        for (std::int64_t j = 0; j < kTime; ++j) {
          const double weight =
              static_cast<double>(weights.data()[((n * kHeads + c / (kWidth / kHeads)) * kTime + i) * kTime + j]);
          double value = 0;
          for (std::int64_t k = 0; k < kWidth; ++k)
            value += static_cast<double>(x.data()[(n * kTime + j) * kWidth + k]) *
                     static_cast<double>(in.data()[k * 3 * kWidth + 2 * kWidth + c]);
          mean[static_cast<std::size_t>(c)] += weight * value;
          row += weight;
        }
        EXPECT_TRUE(std::abs(row - 1) <= 1e-6);
      }
      for (std::int64_t c = 0; c < kWidth; ++c) {
        double expected = 0;
        for (std::int64_t k = 0; k < kWidth; ++k)
          expected += mean[static_cast<std::size_t>(k)] * static_cast<double>(out.data()[k * kWidth + c]);
        EXPECT_TRUE(std::abs(static_cast<double>(y.data()[(n * kTime + i) * kWidth + c]) - expected) <= 1e-5);
      }
    }
}

TEST(AttentionWeights, OfAnEncoderAreThoseOfEachLayersInput) {
  PhiloxStream random(3);
  TransformerEncoder encoder(2, 6, 3, 8, 0, random);
  const Tensor x = random_tensor({1, 4, 6}, 4);
  const std::vector<Tensor> weights = encoder.attention_weights(x);
  ASSERT_EQ(weights.size(), 2U);
  // Layers begin as copies of one, so that differences come from their inputs alone.
  PhiloxStream same(3);
  TransformerEncoderLayer layer(6, 3, 8, 0, same);
  const Tensor again[] = {layer.attention_weights(x), layer.attention_weights(layer.forward(x))};
  for (int l = 0; l < 2; ++l)
    for (std::int64_t i = 0; i < again[l].count(); ++i)
      EXPECT_EQ(weights[static_cast<std::size_t>(l)].data()[i], again[l].data()[i]);
}

}  // namespace
}  // namespace cardiograd::nn
