#include "model/resnet1d_wang.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"

namespace cardiograd::model {
namespace {

// ReLU(two convolutions + shortcut): the input itself, or with a stride a convolution of kernel 1 and its batch norm.
class BasicBlock : public nn::Sequential {
 public:
  BasicBlock(const Resnet1dWangConfig& c, std::int64_t stride, PhiloxStream& random) {
    append_conv_and_norm(*this, "conv1", "bn1",
                         {.inputs = c.channels, .outputs = c.channels, .kernel = c.kernels[0], .stride = stride},
                         random);
    append_conv_and_norm(*this, "conv2", "bn2",
                         {.inputs = c.channels, .outputs = c.channels, .kernel = c.kernels[1], .relu = false}, random);
    if (stride == 1) return;
    shortcut_ = std::make_unique<nn::Sequential>();
    append_conv_and_norm(*shortcut_, "0", "1",
                         {.inputs = c.channels, .outputs = c.channels, .stride = stride, .relu = false}, random);
    add_module("downsample", *shortcut_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    return ops::relu(ops::add(nn::Sequential::compute(x), shortcut_ == nullptr ? x : shortcut_->forward(x)));
  }

 private:
  std::unique_ptr<nn::Sequential> shortcut_;
};

class Resnet1dWang : public ConvClassifier {
 public:
  Resnet1dWang(const Resnet1dWangConfig& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    append_conv_and_norm(*body, "0", "1",
                         {.inputs = config.leads, .outputs = config.channels, .kernel = config.stem_kernel}, random);
    constexpr std::int64_t kStem = 3;  // layers, the ReLU counted
    for (std::int64_t block = 0; block < config.blocks; ++block)
      body->append<nn::Sequential>(std::to_string(kStem + block))
          .append<BasicBlock>("0", config, block == 0 ? 1 : 2, random);
    finish(std::move(body), config.channels, config, {"body.0.weight"}, random);
  }
};

}  // namespace

std::vector<ConfigField> config_fields(Resnet1dWangConfig& c) {
  return ConvClassifierFields(c)
      .width("channels", &c.channels, "outputs of every convolution")
      .blocks("blocks", &c.blocks, "residual blocks; each but the first halves the length")
      .kernel("stem_kernel", &c.stem_kernel, "kernel length of the first convolution; odd")
      .kernel("kernels", &c.kernels, "kernel lengths of the two convolutions of a block; odd")
      .with_head(c.head_width);
}

void check(const Resnet1dWangConfig& config) {
  Resnet1dWangConfig copy = config;
  check_conv_classifier("resnet1d_wang", config, config_fields(copy), 2);
  const auto even = [](std::int64_t kernel) { return kernel % 2 == 0; };
  if (config.kernels.size() != 2 || even(config.stem_kernel) ||
      std::any_of(config.kernels.begin(), config.kernels.end(), even))
    throw Error("resnet1d_wang: expected an odd stem_kernel and two odd kernels",
                "Correct the configuration's section [model].");
}

ModelKind resnet1d_wang_kind() {
  return model_kind<Resnet1dWangConfig, Resnet1dWang>("resnet1d_wang", "resnet1d_wang", "three residual blocks");
}

}  // namespace cardiograd::model
