#include "model/hc_cnn_tn.h"

#include <string>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"
#include "engine/autograd.h"

namespace cardiograd::model {
namespace {

constexpr double kMaxWidth = 65536;
constexpr const char* kHint = "Correct the section [model] of the configuration.";

}  // namespace

std::vector<ConfigField> config_fields(HcCnnTnConfig& c) {
  std::vector<ConfigField> fields = data_shape_fields(c.classes, c.features, c.leads, c.samples);
  const auto add = [&fields](const char* key, ConfigReference value, Range range, const char* help) {
    fields.push_back({.section = "model", .key = key, .value = std::move(value), .help = help, .range = range});
  };
  const Range width = {.min = 1, .max = kMaxWidth};
  const Range probability = {.min = 0, .max = 1, .below_max = true};
  add("channels", &c.channels, width,
      "outputs of each block of the convolutional branch: convolution, batch norm, ReLU, max pooling by 2");
  add("kernels", &c.kernels, {.min = 1, .max = 9999},
      "kernel length of each block; odd, padded so that the convolution keeps the length");
  add("positions", &c.positions, {}, "add sinusoidal positions to what the encoder reads; false: none");
  fields.back().came_later = true;
  add("encoder_layers", &c.encoder_layers, {.min = 0, .max = 1000}, "layers of the Transformer encoder");
  add("heads", &c.heads, width, "attention heads of each layer; they divide the last of the channels");
  add("feed_forward", &c.feed_forward, {.min = 1, .max = 1e6}, "hidden width of each layer's feed-forward network");
  add("encoder_dropout", &c.encoder_dropout, probability, "dropout probability in the encoder");
  add("pool", &c.pool, {}, "what of the encoder's result the head reads");
  fields.back().came_later = true;
  add("feature_width", &c.feature_width, width, "width of both layers that read the hand-crafted features");
  add("head_width", &c.head_width, width, "hidden width of the head that joins both branches");
  add("head_dropout", &c.head_dropout, probability, "dropout probability in the head");
  return fields;
}

void check(const HcCnnTnConfig& config) {
  HcCnnTnConfig copy = config;
  check_fields(config_fields(copy));
  if (config.channels.empty() || config.channels.size() != config.kernels.size())
    throw Error(fmt::format("model: {} channels and {} kernels, expected as many of each, and at least one",
                            config.channels.size(), config.kernels.size()),
                kHint);
  std::int64_t time = config.samples;
  for (const std::int64_t kernel : config.kernels) {
    if (kernel % 2 == 0)
      throw Error(fmt::format("model: kernel {} is even, expected odd so that padding keeps the length", kernel),
                  kHint);
    time /= 2;
  }
  if (time < 1)
    throw Error(
        fmt::format("model: {} samples are too few for {} poolings by 2", config.samples, config.channels.size()),
        "Use longer records, or fewer channels in the configuration's section [model].");
  if (config.channels.back() % config.heads != 0)
    throw Error(fmt::format("model: {} channels cannot be shared by {} heads", config.channels.back(), config.heads),
                kHint);
}

// The layers' names are those of PyTorch's twin (bench/peers/hc_cnn_tn_torch.py), whose numbers count every layer of a
// torch.nn.Sequential. There a ReLU is a layer; here the batch norm before it applies it, so its number does not occur.
HcCnnTn::HcCnnTn(const HcCnnTnConfig& config, std::uint64_t seed)
    : Model({config.classes, config.features, config.leads, config.samples}), config_(config) {
  check(config);
  PhiloxStream random(seed, random_streams::kInitialWeights);

  constexpr std::size_t kLayersPerBlock = 4;  // convolution, batch norm, ReLU, max pooling
  std::int64_t channels = config.leads;
  std::int64_t time = config.samples;
  for (std::size_t block = 0; block < config.channels.size(); ++block) {
    const auto name = [block](std::size_t layer) { return std::to_string(kLayersPerBlock * block + layer); };
    const std::int64_t outputs = config.channels[block];
    const std::int64_t kernel = config.kernels[block];
    cnn_.append<nn::Conv1d>(name(0), channels, outputs, kernel, ops::Conv1dOptions{.padding = kernel / 2}, random);
    cnn_.append<nn::BatchNorm1d>(name(1), outputs, /*relu=*/true);
    cnn_.append<nn::MaxPool1d>(name(3), 2);
    channels = outputs;
    time /= 2;
  }
  add_module("cnn", cnn_);

  if (config.positions) {
    positions_ = nn::sinusoidal_positions(time, channels);
    add_constant(positions_);
  }
  encoder_ =
      std::make_unique<nn::TransformerEncoder>(config.encoder_layers, channels, config.heads, config.feed_forward,
                                               static_cast<float>(config.encoder_dropout), random);
  add_module("encoder", *encoder_);

  std::int64_t joined = config.pool == Pool::kMeanMax ? 2 * channels : channels;
  if (config.features > 0) {
    feature_branch_.build(config.features, config.feature_width, random);
    add_module("hc", feature_branch_);
    joined += config.feature_width;
  }

  head_.append<nn::Linear>("0", joined, config.head_width, random);
  head_.append<nn::Relu>("1");
  head_.append<nn::Dropout>("2", static_cast<float>(config.head_dropout));
  head_.append<nn::Linear>("3", config.head_width, config.classes, random);
  add_module("head", head_);
}

Tensor HcCnnTn::forward(const Tensor& signals, const Tensor& features) {
  expect_signals(signals);
  const Tensor placed = tokens(signals);
  return head_.forward(encode_and_pool(placed, feature_branch_.read(features, signals.dim(0))));
}

Tensor HcCnnTn::encode(const Tensor& signals) {
  expect_signals(signals);
  return encode_and_pool(tokens(signals));
}

Tensor HcCnnTn::tokens(const Tensor& signals) {
  return positions_.defined() ? cnn_.forward_plus(signals, positions_) : cnn_.forward(signals);
}

Tensor HcCnnTn::placed(const Tensor& convolved) const {
  return positions_.defined() ? ops::add(convolved, positions_) : convolved;
}

Tensor HcCnnTn::encode_and_pool(const Tensor& tokens, const Tensor& beside) {
  if (config_.pool == Pool::kMean) return encoder_->forward_mean(tokens, beside);
  const Tensor y = encoder_->forward(tokens);
  const Tensor pooled = ops::concat(ops::mean_over_time(y), ops::max_over_time(y));
  return beside.defined() ? ops::concat(pooled, beside) : pooled;
}

void HcCnnTn::expect_signals(const Tensor& signals) const {
  expect_shape("model", "signals", signals, {signals.defined() ? signals.dim(0) : 0, config_.samples, config_.leads});
}

Tensor HcCnnTn::convolve(const Tensor& signals) {
  expect_signals(signals);
  return cnn_.forward(signals);
}

Tensor HcCnnTn::encode_tokens(const Tensor& convolved) {
  return encode_and_pool(placed(convolved));
}

std::vector<double> HcCnnTn::pooled_parts(const Tensor& convolved) {
  const NoGrad no_grad;
  const std::int64_t time = convolved.dim(1), channels = convolved.dim(2);
  const bool with_maxima = config_.pool == Pool::kMeanMax;
  std::vector<double> parts(static_cast<std::size_t>(time), (with_maxima ? 0.5 : 1) / static_cast<double>(time));
  if (!with_maxima) return parts;
  const Tensor y = encoder_->forward(placed(convolved));
  for (std::int64_t channel = 0; channel < channels; ++channel) {
    std::int64_t highest = 0;
    for (std::int64_t t = 1; t < time; ++t)
      if (y.data()[t * channels + channel] > y.data()[highest * channels + channel]) highest = t;
    parts[static_cast<std::size_t>(highest)] += 0.5 / static_cast<double>(channels);
  }
  return parts;
}

std::vector<Tensor> HcCnnTn::attention_weights(const Tensor& convolved) {
  const NoGrad no_grad;
  return encoder_->attention_weights(placed(convolved));
}

Tensor HcCnnTn::classify(const Tensor& encoded, const Tensor& features) {
  const Tensor beside = feature_branch_.read(features, encoded.defined() ? encoded.dim(0) : 0);
  return head_.forward(beside.defined() ? ops::concat(encoded, beside) : encoded);
}

Model::Transfer HcCnnTn::transfer() {
  return {.by_lead = {"cnn.0.weight"},
          .by_feature = config_.features > 0 ? "hc.0.weight" : "",
          .by_class = {"head.3.weight", "head.3.bias"},
          .stages = {{"the convolutions", &cnn_}, {"the encoder", encoder_.get()}}};
}

ModelKind hc_cnn_tn_kind() {
  return model_kind<HcCnnTnConfig, HcCnnTn>("hc_cnn_tn", "HC-CNN-TN", "the paper's CNN, Transformer and features");
}

}  // namespace cardiograd::model
