#include "model/residual_standins.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"

namespace cardiograd::model {
namespace {

// Squeeze and excitation: each channel times the sigmoid of what two linear layers make of the means over time.
class Excitation : public nn::Layer {
 public:
  Excitation(std::int64_t channels, std::int64_t reduction, PhiloxStream& random) {
    const std::int64_t narrow = channels / reduction;
    layers_.append<nn::Linear>("0", channels, narrow, random);
    layers_.append<nn::Relu>("1");
    layers_.append<nn::Linear>("2", narrow, channels, random);
    add_module("layers", layers_);
  }

 protected:
  Tensor compute(const Tensor& x) override { return ops::gate(x, layers_.forward(ops::mean_over_time(x))); }

 private:
  nn::Sequential layers_;
};

// ReLU(convolution, batch norm, ReLU, dropout, convolution, batch norm, excitation + shortcut): the input itself, or
// where the shape changes a convolution of kernel 1 and its batch norm.
class Block : public nn::Sequential {
 public:
  Block(const ResidualConfig& c, std::int64_t inputs, std::int64_t outputs, std::int64_t stride, PhiloxStream& random) {
    append_conv_and_norm(*this, "conv1", "bn1",
                         {.inputs = inputs, .outputs = outputs, .kernel = c.kernel, .stride = stride}, random);
    if (c.block_dropout > 0) append<nn::Dropout>("dropout", static_cast<float>(c.block_dropout));
    append_conv_and_norm(*this, "conv2", "bn2",
                         {.inputs = outputs, .outputs = outputs, .kernel = c.kernel, .relu = false}, random);
    if (c.reduction > 0) append<Excitation>("se", outputs, c.reduction, random);
    if (stride == 1 && inputs == outputs) return;
    shortcut_ = std::make_unique<nn::Sequential>();
    append_conv_and_norm(*shortcut_, "0", "1", {.inputs = inputs, .outputs = outputs, .stride = stride, .relu = false},
                         random);
    add_module("downsample", *shortcut_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    return ops::relu(ops::add(nn::Sequential::compute(x), shortcut_ == nullptr ? x : shortcut_->forward(x)));
  }

 private:
  std::unique_ptr<nn::Sequential> shortcut_;
};

template <class Config>
class ResidualNet : public ConvClassifier {
 public:
  ResidualNet(const Config& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    std::int64_t channels = config.channels.front();
    append_conv_and_norm(*body, "conv1", "bn1",
                         {.inputs = config.leads, .outputs = channels, .kernel = config.stem_kernel, .stride = 2},
                         random);
    body->append<nn::MaxPool1d>("maxpool", 3, 2, 1);
    for (std::size_t stage = 0; stage < config.channels.size(); ++stage) {
      auto& layer = body->append<nn::Sequential>("layer" + std::to_string(stage + 1));
      for (std::int64_t i = 0; i < config.blocks[stage]; ++i) {
        const std::int64_t stride = i == 0 && stage > 0 ? 2 : 1;
        layer.append<Block>(std::to_string(i), config, channels, config.channels[stage], stride, random);
        channels = config.channels[stage];
      }
    }
    set_body(std::move(body), "the convolutions", {"body.conv1.weight"});
    append_linear_head((kWithMaximum ? 2 : 1) * channels, config, random);
    append_feature_branch(config, random);
  }

 protected:
  Tensor summarize(const Tensor& y) override {
    const Tensor mean = ops::mean_over_time(y);
    return kWithMaximum ? ops::concat(mean, ops::max_over_time(y)) : mean;
  }

 private:
  static constexpr bool kWithMaximum = std::is_same_v<Config, Resnet34Config>;
};

void check_residual(const std::string& name, const ResidualConfig& config) {
  ResidualConfig copy = config;
  check_conv_classifier(name, config, config_fields(copy), 1);
  const auto refuse = [&](const std::string& what) {
    throw Error(fmt::format("{}: {}", name, what), "Correct the configuration's section [model].");
  };
  if (config.channels.empty() || config.channels.size() != config.blocks.size())
    refuse(fmt::format("{} channels and {} blocks, expected as many of each, and at least one", config.channels.size(),
                       config.blocks.size()));
  if (config.stem_kernel % 2 == 0 || config.kernel % 2 == 0) refuse("expected an odd stem_kernel and an odd kernel");
  for (const std::int64_t channels : config.channels)
    if (channels < config.reduction)
      refuse(fmt::format("{} channels, fewer than the reduction of {}", channels, config.reduction));
}

}  // namespace

std::vector<ConfigField> config_fields(ResidualConfig& c) {
  ConfigField dropout = {.section = "model",
                         .key = "block_dropout",
                         .value = &c.block_dropout,
                         .help = "dropout probability inside the blocks",
                         .range = {.min = 0, .max = 1, .below_max = true}};
  ConfigField reduction = {.section = "model",
                           .key = "reduction",
                           .value = &c.reduction,
                           .help = "of the channels inside squeeze and excitation: how many times fewer; 0: none",
                           .range = {.min = 0, .max = 65536}};
  std::vector<ConfigField> fields =
      ConvClassifierFields(c)
          .width("channels", &c.channels, "outputs of each stage's convolutions")
          .blocks("blocks", &c.blocks, "residual blocks of each stage; each stage but the first halves the length")
          .kernel("stem_kernel", &c.stem_kernel, "kernel length of the first convolution; odd")
          .kernel("kernel", &c.kernel, "kernel length inside the blocks; odd")
          .with_linear_head();
  fields.insert(fields.end() - 2, {std::move(dropout), std::move(reduction)});
  return fields;
}

void check(const Resnet34Config& config) {
  check_residual("resnet34_standin", config);
}

void check(const XecgnetConfig& config) {
  check_residual("xecgnet_standin", config);
}

ModelKind resnet34_standin_kind() {
  return model_kind<Resnet34Config, ResidualNet<Resnet34Config>>("resnet34_standin", "1D ResNet34 (stand-in)",
                                                                 "16 residual blocks, a stand-in for CureNet");
}

ModelKind xecgnet_standin_kind() {
  return model_kind<XecgnetConfig, ResidualNet<XecgnetConfig>>(
      "xecgnet_standin", "SE-ResNet18 (stand-in)", "residual blocks that weigh channels, a stand-in for X-ECGNet");
}

}  // namespace cardiograd::model
