#include "model/xresnet1d101.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kExpansion = 4;  // channels outside a block for one inside
constexpr std::int64_t kMinSamples = 4;

// ReLU(three convolutions + identity path). The path is the input itself; with a stride its means of two samples, and
// where the channels differ a convolution of kernel 1 and its batch norm.
class BottleneckBlock : public nn::Layer {
 public:
  BottleneckBlock(const Xresnet1d101Config& c, std::int64_t inputs, std::int64_t stride, PhiloxStream& random) {
    const std::int64_t outputs = kExpansion * c.width;
    append_conv_norm(convs_, "0", {.inputs = inputs, .outputs = c.width}, random);
    append_conv_norm(convs_, "1", {.inputs = c.width, .outputs = c.width, .kernel = c.kernel, .stride = stride},
                     random);
    append_conv_norm(convs_, "2", {.inputs = c.width, .outputs = outputs, .relu = false}, random);
    add_module("convs", convs_);
    if (stride != 1)
      identity_.append<nn::AvgPool1d>("pool", ops::AvgPoolOptions{.kernel = 2, .stride = stride, .ceil_mode = true});
    if (inputs != outputs)
      append_conv_norm(identity_, "0", {.inputs = inputs, .outputs = outputs, .relu = false}, random);
    add_module("idpath", identity_);
  }

 protected:
  Tensor compute(const Tensor& x) override { return ops::relu(ops::add(convs_.forward(x), identity_.forward(x))); }

 private:
  nn::Sequential convs_;
  nn::Sequential identity_;
};

class Xresnet1d101 : public ConvClassifier {
 public:
  Xresnet1d101(const Xresnet1d101Config& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    std::int64_t channels = config.leads;
    std::int64_t layer = 0;
    for (const std::int64_t outputs : config.stem) {
      append_conv_norm(*body, std::to_string(layer),
                       {.inputs = channels, .outputs = outputs, .kernel = config.kernel, .stride = layer == 0 ? 2 : 1},
                       random);
      channels = outputs;
      ++layer;
    }
    body->append<nn::MaxPool1d>(std::to_string(layer++), 3, 2, 1);
    for (std::size_t group = 0; group < config.blocks.size(); ++group) {
      nn::Sequential& blocks = body->append<nn::Sequential>(std::to_string(layer++));
      for (std::int64_t block = 0; block < config.blocks[group]; ++block) {
        blocks.append<BottleneckBlock>(std::to_string(block), config, channels, group > 0 && block == 0 ? 2 : 1,
                                       random);
        channels = kExpansion * config.width;
      }
    }
    finish(std::move(body), channels, config, {"body.0.0.weight"}, random);
  }
};

}  // namespace

std::vector<ConfigField> config_fields(Xresnet1d101Config& c) {
  return ConvClassifierFields(c)
      .width("stem", &c.stem, "outputs of each convolution of the stem; the first halves the length")
      .blocks("blocks", &c.blocks, "bottleneck blocks of each group; each group but the first halves the length")
      .width("width", &c.width, "channels inside a block; outside there are four times as many")
      .kernel("kernel", &c.kernel, "kernel length of the stem and inside the blocks; odd")
      .with_head(c.head_width);
}

void check(const Xresnet1d101Config& config) {
  Xresnet1d101Config copy = config;
  // Twice halved in the stem, and once more by each group but the first, pairs have to be there to be averaged.
  const auto halvings = std::max<std::int64_t>(0, std::ssize(config.blocks) - 1);
  const std::int64_t min_samples = kMinSamples << std::min<std::int64_t>(halvings, 30);
  check_conv_classifier("xresnet1d101", config, config_fields(copy), min_samples);
  if (config.stem.empty() || config.blocks.empty() || config.kernel % 2 == 0)
    throw Error("xresnet1d101: expected a stem of at least one convolution, a group of blocks, and an odd kernel",
                "Correct the configuration's section [model].");
}

ModelKind xresnet1d101_kind() {
  return model_kind<Xresnet1d101Config, Xresnet1d101>("xresnet1d101", "xresnet1d101",
                                                      "33 bottleneck blocks of residual convolutions");
}

}  // namespace cardiograd::model
