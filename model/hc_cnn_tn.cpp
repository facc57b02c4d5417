#include "model/hc_cnn_tn.h"

#include <string>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::model {
namespace {

// Streams of the run's seed; the shuffles and dropout have others.
constexpr std::uint64_t kInitialWeightsStream = 1;

constexpr const char* kHint = "Correct the sizes of the model in the configuration, section [model].";

void expect_at_least(const char* name, std::int64_t value, std::int64_t least) {
  if (value < least) throw Error(fmt::format("model: {} is {}, expected {} or more", name, value, least), kHint);
}

void expect_probability(const char* name, double value) {
  if (!(value >= 0 && value < 1))
    throw Error(fmt::format("model: {} is {}, expected 0 or more and less than 1", name, value), kHint);
}

}  // namespace

void check(const HcCnnTnConfig& config) {
  expect_at_least("classes", config.classes, 1);
  expect_at_least("features", config.features, 0);
  expect_at_least("leads", config.leads, 1);
  expect_at_least("samples", config.samples, 1);
  if (config.samples > kMaxSamples)
    throw Error(fmt::format("model: samples is {}, expected at most {}", config.samples, kMaxSamples),
                "Cut the records into shorter ones.");
  expect_at_least("encoder_layers", config.encoder_layers, 0);
  expect_at_least("heads", config.heads, 1);
  expect_at_least("feed_forward", config.feed_forward, 1);
  expect_at_least("feature_width", config.feature_width, 1);
  expect_at_least("head_width", config.head_width, 1);
  expect_probability("encoder_dropout", config.encoder_dropout);
  expect_probability("head_dropout", config.head_dropout);
  if (config.channels.empty() || config.channels.size() != config.kernels.size())
    throw Error(fmt::format("model: {} channels and {} kernels, expected as many of each, and at least one",
                            config.channels.size(), config.kernels.size()),
                kHint);
  std::int64_t time = config.samples;
  for (std::size_t i = 0; i < config.channels.size(); ++i) {
    expect_at_least("channels", config.channels[i], 1);
    expect_at_least("kernels", config.kernels[i], 1);
    if (config.kernels[i] % 2 == 0)
      throw Error(
          fmt::format("model: kernel {} is even, expected odd so that padding keeps the length", config.kernels[i]),
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
HcCnnTn::HcCnnTn(const HcCnnTnConfig& config, std::uint64_t seed) : config_(config) {
  check(config);
  PhiloxStream random(seed, kInitialWeightsStream);

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

  positions_ = nn::sinusoidal_positions(time, channels);
  add_constant(positions_);
  encoder_ =
      std::make_unique<nn::TransformerEncoder>(config.encoder_layers, channels, config.heads, config.feed_forward,
                                               static_cast<float>(config.encoder_dropout), random);
  add_module("encoder", *encoder_);

  std::int64_t joined = channels;
  if (config.features > 0) {
    feature_branch_.append<nn::Linear>("0", config.features, config.feature_width, random);
    feature_branch_.append<nn::BatchNorm1d>("1", config.feature_width, /*relu=*/true);
    feature_branch_.append<nn::Linear>("3", config.feature_width, config.feature_width, random);
    feature_branch_.append<nn::BatchNorm1d>("4", config.feature_width, /*relu=*/true);
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
  return classify(encode(signals), features);
}

Tensor HcCnnTn::encode(const Tensor& signals) {
  expect_shape("model", "signals", signals, {signals.defined() ? signals.dim(0) : 0, config_.samples, config_.leads});
  const Tensor tokens = ops::add(cnn_.forward(signals), positions_);
  return ops::mean_over_time(encoder_->forward(tokens));
}

Tensor HcCnnTn::classify(const Tensor& encoded, const Tensor& features) {
  if (config_.features == 0) return head_.forward(encoded);
  expect_shape("model", "features", features, {encoded.defined() ? encoded.dim(0) : 0, config_.features});
  return head_.forward(ops::concat(encoded, feature_branch_.forward(features)));
}

std::int64_t HcCnnTn::parameter_count() {
  std::int64_t count = 0;
  for (const nn::NamedTensor& parameter : parameters()) count += parameter.tensor->count();
  return count;
}

}  // namespace cardiograd::model
