#include "model/cnn_bilstm_standin.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"
#include "engine/nn/lstm.h"

namespace cardiograd::model {
namespace {

class CnnBilstm : public ConvClassifier {
 public:
  CnnBilstm(const CnnBilstmConfig& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    auto& convolutions = body->append<nn::Sequential>("convs");
    std::int64_t channels = config.leads;
    for (std::size_t i = 0; i < config.channels.size(); ++i) {
      append_conv_norm(convolutions, std::to_string(2 * i),
                       {.inputs = channels, .outputs = config.channels[i], .kernel = config.kernels[i]}, random);
      convolutions.append<nn::MaxPool1d>(std::to_string(2 * i + 1), 2);
      channels = config.channels[i];
    }
    body->append<nn::Lstm>("lstm", nn::LstmOptions{.inputs = channels, .width = config.width, .bidirectional = true},
                           random);
    set_body(std::move(body), "the convolutions and the LSTM", {"body.convs.0.0.weight"});
    append_linear_head(4 * config.width, config, random, config.head_width);
    append_feature_branch(config, random);
  }

 protected:
  Tensor summarize(const Tensor& y) override { return ops::concat(ops::mean_over_time(y), ops::max_over_time(y)); }
};

}  // namespace

std::vector<ConfigField> config_fields(CnnBilstmConfig& c) {
  return ConvClassifierFields(c)
      .width("channels", &c.channels, "outputs of each convolution; each halves the length")
      .kernel("kernels", &c.kernels, "kernel length of each convolution; odd")
      .width("width", &c.width, "hidden units of each direction of the LSTM")
      .width("head_width", &c.head_width, "hidden width of the head")
      .with_linear_head();
}

void check(const CnnBilstmConfig& config) {
  CnnBilstmConfig copy = config;
  if (config.channels.empty() || config.channels.size() != config.kernels.size())
    throw Error(
        fmt::format("cnn_bilstm_standin: {} channels and {} kernels, expected as many of each, and at least one",
                    config.channels.size(), config.kernels.size()),
        "Correct the configuration's section [model].");
  check_conv_classifier("cnn_bilstm_standin", config, config_fields(copy),
                        std::int64_t{1} << std::min<std::int64_t>(std::ssize(config.channels), 30));
  if (std::any_of(config.kernels.begin(), config.kernels.end(), [](std::int64_t k) { return k % 2 == 0; }))
    throw Error("cnn_bilstm_standin: expected odd kernels", "Correct the configuration's section [model].");
}

ModelKind cnn_bilstm_standin_kind() {
  return model_kind<CnnBilstmConfig, CnnBilstm>("cnn_bilstm_standin", "CNN-BiLSTM (stand-in)",
                                                "convolutions and an LSTM, a stand-in for qxAI's model");
}

}  // namespace cardiograd::model
