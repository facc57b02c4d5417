// HC-CNN-TN, the paper's model (Figure 2): a convolutional branch and a Transformer encoder read the 12 leads, a small
// network reads the hand-crafted features, and a head joins both.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/nn/layers.h"

namespace cardiograd::model {

// Sizes; the defaults stand where the paper is silent.
struct HcCnnTnConfig {
  std::int64_t classes = 5;
  std::int64_t features = 29;  // 0: no feature branch
  std::int64_t leads = 12;
  std::int64_t samples = 1000;
  std::vector<std::int64_t> channels = {64, 128, 256};  // one block each: convolution, batch norm, ReLU, pooling by 2
  std::vector<std::int64_t> kernels = {7, 5, 3};        // odd, padded to keep the length
  std::int64_t encoder_layers = 2;
  std::int64_t heads = 8;
  std::int64_t feed_forward = 512;
  double encoder_dropout = 0.1;
  std::int64_t feature_width = 64;
  std::int64_t head_width = 128;
  double head_dropout = 0.1;
};

inline constexpr std::int64_t kMaxSamples = 1'000'000;

// Throws Error naming the value that cannot be: a size below 1, an even kernel, channels that heads do not divide,
// records shorter than the pooling needs or longer than kMaxSamples.
void check(const HcCnnTnConfig& config);

class HcCnnTn : public nn::Module {
 public:
  // Initialized like PyTorch's layers, from `seed`.
  HcCnnTn(const HcCnnTnConfig& config, std::uint64_t seed);

  // signals (N, samples, leads), features (N, features) or undefined when there are none -> logits (N, classes)
  Tensor forward(const Tensor& signals, const Tensor& features);

  // The two halves of forward(), for whoever asks about many features of the same signals: the signal branch alone,
  // (N, samples, leads) -> (N, channels.back()), and everything behind it.
  Tensor encode(const Tensor& signals);
  Tensor classify(const Tensor& encoded, const Tensor& features);

  const HcCnnTnConfig& config() const { return config_; }
  std::int64_t parameter_count();

 private:
  HcCnnTnConfig config_;
  nn::Sequential cnn_;
  Tensor positions_;
  std::unique_ptr<nn::TransformerEncoder> encoder_;
  nn::Sequential feature_branch_;
  nn::Sequential head_;
};

}  // namespace cardiograd::model
