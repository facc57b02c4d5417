// HC-CNN-TN, the paper's model (Figure 2): a convolutional branch and a Transformer encoder read the 12 leads, a small
// network reads the hand-crafted features, and a head joins both.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/enum_words.h"
#include "engine/nn/layers.h"
#include "model/config_field.h"
#include "model/feature_branch.h"
#include "model/model.h"
#include "model/registry.h"

namespace cardiograd::model {

// How the encoder's tokens become one vector.
enum class Pool { kMean, kMeanMax };
// Words for files, with their meanings.
constexpr EnumWords<Pool, 2> enum_words(Pool) {
  return {{{Pool::kMean, "mean", "the mean over time"},
           {Pool::kMeanMax, "mean_max", "mean and maximum over time side by side"}}};
}

// The defaults stand where the paper is silent. What each value means and may be: config_fields().
struct HcCnnTnConfig {
  std::int64_t classes = DataShape{}.classes;
  std::int64_t features = DataShape{}.features;
  std::int64_t leads = DataShape{}.leads;
  std::int64_t samples = DataShape{}.samples;
  std::vector<std::int64_t> channels = {64, 128, 256};
  std::vector<std::int64_t> kernels = {7, 5, 3};
  bool positions = true;
  std::int64_t encoder_layers = 2;
  std::int64_t heads = 8;
  std::int64_t feed_forward = 512;
  double encoder_dropout = 0.1;
  Pool pool = Pool::kMean;
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
  // (N, samples, leads) -> (N, channels.back()), or twice as many with Pool::kMeanMax: means, then maxima
  Tensor encode(const Tensor& signals) override;
  // The two steps of encode(): (N, samples, leads) -> (N, T, channels.back()), what the convolutions make of the
  // signals, T = samples halved once per block and rounded down; and from there on.
  Tensor convolve(const Tensor& signals);
  Tensor encode_tokens(const Tensor& convolved);
  // The attention weights of each encoder layer, (N, heads, T, T), for the result of convolve().
  std::vector<Tensor> attention_weights(const Tensor& convolved);
  // Which part of what encode() makes of one record comes from each of the T tokens behind the encoder; they add up
  // to 1. A mean takes as much from each, a maximum everything from one. `convolved` (1, T, channels.back()), on the
  // CPU.
  std::vector<double> pooled_parts(const Tensor& convolved);
  // The result of encode() and (N, features) -> (N, classes)
  Tensor classify(const Tensor& encoded, const Tensor& features) override;

  Transfer transfer() override;

  const HcCnnTnConfig& config() const { return config_; }

 private:
  void expect_signals(const Tensor& signals) const;
  // What the encoder reads.
  Tensor tokens(const Tensor& signals);
  Tensor placed(const Tensor& convolved) const;
  // The encoder's tokens, pooled; with `beside` (N, B) beside them where that is defined.
  Tensor encode_and_pool(const Tensor& tokens, const Tensor& beside = {});

  HcCnnTnConfig config_;
  nn::Sequential cnn_;
  Tensor positions_;  // undefined without
  std::unique_ptr<nn::TransformerEncoder> encoder_;
  FeatureBranch feature_branch_;
  nn::Sequential head_;
};

}  // namespace cardiograd::model
