// HC-CNN-TN, the paper's model (Figure 2): a convolutional branch and a Transformer encoder read the 12 leads, a small
// network reads the hand-crafted features, and a head joins both.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/nn/layers.h"
#include "model/config_field.h"
#include "model/feature_branch.h"
#include "model/model.h"
#include "model/registry.h"

namespace cardiograd::model {

// The defaults stand where the paper is silent. What each value means and may be: config_fields().
struct HcCnnTnConfig {
  std::int64_t classes = DataShape{}.classes;
  std::int64_t features = DataShape{}.features;
  std::int64_t leads = DataShape{}.leads;
  std::int64_t samples = DataShape{}.samples;
  std::vector<std::int64_t> channels = {64, 128, 256};
  std::vector<std::int64_t> kernels = {7, 5, 3};
  std::int64_t encoder_layers = 2;
  std::int64_t heads = 8;
  std::int64_t feed_forward = 512;
  double encoder_dropout = 0.1;
  std::int64_t feature_width = 64;
  std::int64_t head_width = 128;
  double head_dropout = 0.1;
};

// All values of `config`, section "model"; they point into it.
std::vector<ConfigField> config_fields(HcCnnTnConfig& config);

// Throws Error naming the value that cannot be: one outside its range, an even kernel, not as many kernels as channels,
// channels that the heads do not divide, records shorter than the poolings need.
void check(const HcCnnTnConfig& config);

class HcCnnTn : public Model {
 public:
  // Initialized like PyTorch's layers, from `seed`. Throws what check() throws.
  HcCnnTn(const HcCnnTnConfig& config, std::uint64_t seed);

  Tensor forward(const Tensor& signals, const Tensor& features) override;
  // (N, samples, leads) -> (N, channels.back())
  Tensor encode(const Tensor& signals) override;
  // The two steps of encode(): (N, samples, leads) -> (N, T, channels.back()), what the convolutions make of the
  // signals, T = samples halved once per block and rounded down; and from there on.
  Tensor convolve(const Tensor& signals);
  Tensor encode_tokens(const Tensor& convolved);
  // The attention weights of each encoder layer, (N, heads, T, T), for the result of convolve().
  std::vector<Tensor> attention_weights(const Tensor& convolved);
  // (N, channels.back()) and (N, features) -> (N, classes)
  Tensor classify(const Tensor& encoded, const Tensor& features) override;

  Transfer transfer() override;

  const HcCnnTnConfig& config() const { return config_; }

 private:
  void expect_signals(const Tensor& signals) const;

  HcCnnTnConfig config_;
  nn::Sequential cnn_;
  Tensor positions_;
  std::unique_ptr<nn::TransformerEncoder> encoder_;
  FeatureBranch feature_branch_;
  nn::Sequential head_;
};

}  // namespace cardiograd::model
