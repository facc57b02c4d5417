#include "model/cnn_entropy_standin.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"

namespace cardiograd::model {
namespace {

class CnnEntropy : public ConvClassifier {
 public:
  CnnEntropy(const CnnEntropyConfig& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    std::int64_t channels = config.leads, samples = config.samples;
    for (std::size_t i = 0; i < config.channels.size(); ++i) {
      append_conv_norm(
          *body, std::to_string(2 * i),
          {.inputs = channels, .outputs = config.channels[i], .kernel = config.kernels[i], .stride = 2, .relu = false},
          random);
      body->append<nn::LeakyRelu>(std::to_string(2 * i + 1));
      channels = config.channels[i];
      samples = (samples + 1) / 2;
    }
    set_body(std::move(body), "the convolutions", {"body.0.0.weight"});
    append_linear_head(samples * channels, config, random);
    append_normalized_feature_branch(config, random);
  }

 protected:
  Tensor summarize(const Tensor& y) override { return ops::reshape(y, {y.dim(0), y.dim(1) * y.dim(2)}); }
};

}  // namespace

std::vector<ConfigField> config_fields(CnnEntropyConfig& c) {
  return ConvClassifierFields(c)
      .width("channels", &c.channels, "outputs of each convolution; each halves the length")
      .kernel("kernels", &c.kernels, "kernel length of each convolution; odd")
      .with_linear_head();
}

void check(const CnnEntropyConfig& config) {
  CnnEntropyConfig copy = config;
  check_conv_classifier("cnn_entropy_standin", config, config_fields(copy), 1);
  if (config.channels.empty() || config.channels.size() != config.kernels.size())
    throw Error(
        fmt::format("cnn_entropy_standin: {} channels and {} kernels, expected as many of each, and at least one",
                    config.channels.size(), config.kernels.size()),
        "Correct the configuration's section [model].");
  if (std::any_of(config.kernels.begin(), config.kernels.end(), [](std::int64_t k) { return k % 2 == 0; }))
    throw Error("cnn_entropy_standin: expected odd kernels", "Correct the configuration's section [model].");
}

ModelKind cnn_entropy_standin_kind() {
  return model_kind<CnnEntropyConfig, CnnEntropy>(
      "cnn_entropy_standin", "CNN with entropies (stand-in)",
      "convolutions and the entropies of each lead, a stand-in for Smigiel et al. 2021");
}

}  // namespace cardiograd::model
