#include "model/mrf_cnn_standin.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"

namespace cardiograd::model {
namespace {

constexpr std::int64_t kKernel = 3;

// ReLU(convolutions of different dilations side by side, batch norm, ReLU, convolution of kernel 1, batch norm +
// shortcut), halved: the input itself is the shortcut, or with other channels a convolution of kernel 1.
class MrfBlock : public nn::Layer {
 public:
  MrfBlock(std::int64_t inputs, std::int64_t outputs, const MrfCnnConfig& c, PhiloxStream& random) {
    const std::int64_t each = outputs / std::ssize(c.dilations);
    for (const std::int64_t dilation : c.dilations)
      branches_.append<nn::Conv1d>(inputs, each, kKernel, ops::Conv1dOptions{.padding = dilation, .dilation = dilation},
                                   random,
                                   /*bias=*/false);
    add_module("branches", branches_);
    rest_.append<nn::BatchNorm1d>("0", outputs, /*relu=*/true);
    append_conv_and_norm(rest_, "1", "2", {.inputs = outputs, .outputs = outputs, .relu = false}, random);
    add_module("rest", rest_);
    if (inputs == outputs) return;
    shortcut_ = std::make_unique<nn::Sequential>();
    append_conv_and_norm(*shortcut_, "0", "1", {.inputs = inputs, .outputs = outputs, .relu = false}, random);
    add_module("shortcut", *shortcut_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    Tensor joined = branches_[0].forward(x);
    for (std::size_t i = 1; i < branches_.size(); ++i) joined = ops::concat(joined, branches_[i].forward(x));
    const Tensor y = ops::add(rest_.forward(joined), shortcut_ == nullptr ? x : shortcut_->forward(x));
    return ops::max_pool1d(ops::relu(y), 2, 2);
  }

 private:
  LayerList branches_;
  nn::Sequential rest_;
  std::unique_ptr<nn::Sequential> shortcut_;
};

class MrfCnn : public ConvClassifier {
 public:
  MrfCnn(const MrfCnnConfig& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    append_conv_norm(*body, "0", {.inputs = config.leads, .outputs = config.stem, .kernel = config.stem_kernel},
                     random);
    body->append<nn::MaxPool1d>("1", 2);
    std::int64_t channels = config.stem;
    for (std::size_t i = 0; i < config.channels.size(); ++i) {
      body->append<MrfBlock>(std::to_string(i + 2), channels, config.channels[i], config, random);
      channels = config.channels[i];
    }
    set_body(std::move(body), "the convolutions", {"body.0.0.weight"});
    append_linear_head(channels, config, random);
    append_feature_branch(config, random);
  }

 protected:
  Tensor summarize(const Tensor& y) override { return ops::mean_over_time(y); }
};

}  // namespace

std::vector<ConfigField> config_fields(MrfCnnConfig& c) {
  return ConvClassifierFields(c)
      .width("stem", &c.stem, "outputs of the first convolution")
      .kernel("stem_kernel", &c.stem_kernel, "kernel length of the first convolution; odd")
      .width("channels", &c.channels, "outputs of each block, a multiple of the number of dilations")
      .kernel("dilations", &c.dilations, "dilations of a block's parallel convolutions")
      .with_linear_head();
}

void check(const MrfCnnConfig& config) {
  MrfCnnConfig copy = config;
  const auto halvings = static_cast<std::int64_t>(config.channels.size()) + 1;
  check_conv_classifier("mrf_cnn_standin", config, config_fields(copy),
                        std::int64_t{1} << std::min<std::int64_t>(halvings, 30));
  if (config.channels.empty() || config.dilations.empty() || config.stem_kernel % 2 == 0)
    throw Error("mrf_cnn_standin: expected at least one block, one dilation, and an odd stem_kernel",
                "Correct the configuration's section [model].");
  for (const std::int64_t channels : config.channels)
    if (channels % std::ssize(config.dilations) != 0)
      throw Error(fmt::format("mrf_cnn_standin: {} channels, expected a multiple of the {} dilations", channels,
                              config.dilations.size()),
                  "Correct the configuration's section [model].");
}

ModelKind mrf_cnn_standin_kind() {
  return model_kind<MrfCnnConfig, MrfCnn>("mrf_cnn_standin", "multi-receptive-field CNN (stand-in)",
                                          "parallel dilated convolutions, a stand-in for Feyisa et al. 2022");
}

}  // namespace cardiograd::model
