#include "model/fcn_wang.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"

namespace cardiograd::model {
namespace {

class FcnWang : public ConvClassifier {
 public:
  FcnWang(const FcnWangConfig& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    std::int64_t channels = config.leads;
    for (std::size_t block = 0; block < config.channels.size(); ++block) {
      nn::Sequential& around = body->append<nn::Sequential>(std::to_string(block));
      append_conv_norm(around, "0",
                       {.inputs = channels, .outputs = config.channels[block], .kernel = config.kernels[block]},
                       random);
      channels = config.channels[block];
    }
    finish(std::move(body), channels, config, {"body.0.0.0.weight"}, random);
  }
};

}  // namespace

std::vector<ConfigField> config_fields(FcnWangConfig& c) {
  return ConvClassifierFields(c)
      .width("channels", &c.channels, "outputs of each convolution")
      .kernel("kernels", &c.kernels, "kernel length of each; an even one shortens the signal by a sample")
      .with_head(c.head_width);
}

void check(const FcnWangConfig& config) {
  FcnWangConfig copy = config;
  if (config.channels.empty() || config.channels.size() != config.kernels.size())
    throw Error(fmt::format("fcn_wang: {} channels and {} kernels, expected as many of each, and at least one",
                            config.channels.size(), config.kernels.size()),
                "Correct the configuration's section [model].");
  std::int64_t even = 0;
  for (const std::int64_t kernel : config.kernels) even += kernel % 2 == 0 ? 1 : 0;
  check_conv_classifier("fcn_wang", config, config_fields(copy), even + 1);
}

ModelKind fcn_wang_kind() {
  return model_kind<FcnWangConfig, FcnWang>("fcn_wang", "fcn_wang", "three convolutions");
}

}  // namespace cardiograd::model
