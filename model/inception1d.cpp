#include "model/inception1d.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kModulesPerShortcut = 3;

ops::Conv1dOptions same_length(std::int64_t kernel) {
  return {.padding = (kernel - 1) / 2};
}

std::int64_t channels_of(const Inception1dConfig& c) {
  return (std::ssize(c.kernels) + 1) * c.filters;
}

class InceptionModule : public nn::Layer {
 public:
  InceptionModule(const Inception1dConfig& c, std::int64_t inputs, PhiloxStream& random)
      : bottleneck_(inputs, c.bottleneck, 1, ops::Conv1dOptions{}, random, /*bias=*/false) {
    add_module("bottleneck", bottleneck_);
    for (const std::int64_t kernel : c.kernels)
      convs_.append<nn::Conv1d>(c.bottleneck, c.filters, kernel, same_length(kernel), random, /*bias=*/false);
    add_module("convs", convs_);
    pooled_.append<nn::MaxPool1d>("0", 3, 1, 1);
    pooled_.append<nn::Conv1d>("1", inputs, c.filters, 1, ops::Conv1dOptions{}, random, /*bias=*/false);
    add_module("conv_bottle", pooled_);
    norm_.append<nn::BatchNorm1d>("0", channels_of(c), /*relu=*/true);
    add_module("bn_relu", norm_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    const Tensor narrow = bottleneck_.forward(x);
    Tensor joined = convs_[0].forward(narrow);
    for (std::size_t i = 1; i < convs_.size(); ++i) joined = ops::concat(joined, convs_[i].forward(narrow));
    return norm_.forward(ops::concat(joined, pooled_.forward(x)));
  }

 private:
  nn::Conv1d bottleneck_;
  LayerList convs_;
  nn::Sequential pooled_;
  nn::Sequential norm_;
};

// What is added after three modules: a convolution of kernel 1 and its batch norm.
class Shortcut : public nn::Sequential {
 public:
  Shortcut(std::int64_t inputs, std::int64_t outputs, PhiloxStream& random) {
    append_conv_and_norm(*this, "conv", "bn", {.inputs = inputs, .outputs = outputs, .relu = false}, random);
  }
};

class InceptionBody : public nn::Layer {
 public:
  InceptionBody(const Inception1dConfig& c, PhiloxStream& random) {
    const std::int64_t channels = channels_of(c);
    for (std::int64_t i = 0; i < c.modules; ++i)
      modules_.append<InceptionModule>(c, i == 0 ? c.leads : channels, random);
    add_module("im", modules_);
    for (std::int64_t i = 0; i < c.modules / kModulesPerShortcut; ++i)
      shortcuts_.append<Shortcut>(i == 0 ? c.leads : channels, channels, random);
    add_module("sk", shortcuts_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    Tensor y = x;
    Tensor before = x;
    for (std::size_t i = 0; i < modules_.size(); ++i) {
      y = modules_[i].forward(y);
      if ((i + 1) % kModulesPerShortcut != 0) continue;
      y = ops::relu(ops::add(y, shortcuts_[i / kModulesPerShortcut].forward(before)));
      before = y;
    }
    return y;
  }

 private:
  LayerList modules_;
  LayerList shortcuts_;
};

class Inception1d : public ConvClassifier {
 public:
  Inception1d(const Inception1dConfig& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<InceptionBody>(config, random);
    finish(std::move(body), channels_of(config), config,
           {"body.im.0.bottleneck.weight", "body.im.0.conv_bottle.1.weight", "body.sk.0.conv.weight"}, random);
  }
};

}  // namespace

std::vector<ConfigField> config_fields(Inception1dConfig& c) {
  return ConvClassifierFields(c)
      .blocks("modules", &c.modules, "inception modules, a multiple of 3; a shortcut over every three")
      .width("bottleneck", &c.bottleneck, "outputs of each module's first convolution")
      .width("filters", &c.filters, "outputs of each of a module's branches")
      .kernel("kernels", &c.kernels, "kernel length of each branch but the pooling; odd")
      .with_head(c.head_width);
}

void check(const Inception1dConfig& config) {
  Inception1dConfig copy = config;
  check_conv_classifier("inception1d", config, config_fields(copy), 2);
  if (config.modules % kModulesPerShortcut != 0)
    throw Error(fmt::format("inception1d: {} modules, expected a multiple of {}", config.modules, kModulesPerShortcut),
                "Correct the configuration's section [model].");
  const auto even = [](std::int64_t kernel) { return kernel % 2 == 0; };
  if (config.kernels.empty() || std::any_of(config.kernels.begin(), config.kernels.end(), even))
    throw Error("inception1d: expected at least one kernel, all odd", "Correct the configuration's section [model].");
}

ModelKind inception1d_kind() {
  return model_kind<Inception1dConfig, Inception1d>("inception1d", "inception1d", "six inception modules");
}

}  // namespace cardiograd::model
