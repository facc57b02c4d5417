#include "model/multibranch_standin.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"
#include "engine/nn/lstm.h"

namespace cardiograd::model {
namespace {

// Additive attention: (N, T, channels) -> (N, channels), the mean over time weighted by softmax(v tanh(W x + b)).
class TimeAttention : public nn::Layer {
 public:
  TimeAttention(std::int64_t channels, std::int64_t width, PhiloxStream& random)
      : hidden_(channels, width, random), score_(Tensor::empty({width, 1})), no_bias_(Tensor::zeros({1})) {
    const double bound = 1 / std::sqrt(static_cast<double>(width));
    for (std::int64_t i = 0; i < width; ++i) score_.data()[i] = static_cast<float>(random.uniform(-bound, bound));
    add_module("hidden", hidden_);
    add_parameter("score", score_, nn::Layout::kLinear);
    add_constant(no_bias_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    const Tensor scores = ops::linear(ops::tanh(hidden_.forward(x)), score_, no_bias_);
    return ops::softmax_pool(ops::reshape(scores, {x.dim(0), x.dim(1)}), x);
  }

 private:
  nn::Linear hidden_;
  Tensor score_;
  Tensor no_bias_;
};

// A convolution of 3 x 3, batch norm and ReLU on maps whose rows are records: (N * rows, T, inputs) -> (N * rows, T,
// outputs). It is one along the row of the three neighboring rows side by side, zeros beyond the map's.
class MapConvolution : public nn::Layer {
 public:
  MapConvolution(std::int64_t rows, std::int64_t columns, std::int64_t inputs, std::int64_t outputs,
                 PhiloxStream& random)
      : rows_(rows), above_(shift(columns * inputs, 0)), below_(shift(columns * inputs, 2)) {
    append_conv_and_norm(layers_, "0", "1", {.inputs = 3 * inputs, .outputs = outputs, .kernel = 3}, random);
    add_module("layers", layers_);
    add_constant(above_);
    add_constant(below_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    const Tensor maps = ops::reshape(x, {x.dim(0) / rows_, rows_, x.dim(1) * x.dim(2)});
    const auto shifted = [&](const Tensor& taps) { return ops::reshape(ops::long_conv1d(maps, taps, 1), x.shape()); };
    return layers_.forward(ops::concat(ops::concat(shifted(above_), x), shifted(below_)));
  }

 private:
  // The taps that take the row before (0) or behind (2) each.
  static Tensor shift(std::int64_t count, std::int64_t tap) {
    Tensor taps = Tensor::zeros({3, count});
    std::fill_n(taps.data() + tap * count, count, 1.0F);
    return taps;
  }

  std::int64_t rows_;
  Tensor above_;
  Tensor below_;
  nn::Sequential layers_;
};

// (N * rows, T, C) -> (N * (rows / 2), T / 2, C): the largest of each 2 x 2.
Tensor pool_maps(const Tensor& x, std::int64_t rows) {
  const Tensor narrow = ops::max_pool1d(x, 2, 2);
  const std::int64_t width = narrow.dim(1) * narrow.dim(2);
  const Tensor low = ops::max_pool1d(ops::reshape(narrow, {x.dim(0) / rows, rows, width}), 2, 2);
  return ops::reshape(low, {low.dim(0) * low.dim(1), narrow.dim(1), narrow.dim(2)});
}

// (N, samples, leads) -> (N, values of the last map)
class Branches : public nn::Layer {
 public:
  Branches(const MultibranchConfig& c, PhiloxStream& random) : rows_(c.leads) {
    std::int64_t channels = 1;
    for (std::size_t i = 0; i < c.channels.size(); ++i) {
      append_conv_norm(lead_, std::to_string(2 * i),
                       {.inputs = channels, .outputs = c.channels[i], .kernel = c.kernels[i]}, random);
      lead_.append<nn::MaxPool1d>(std::to_string(2 * i + 1), 2);
      channels = c.channels[i];
    }
    lead_.append<nn::Lstm>("lstm", nn::LstmOptions{.inputs = channels, .width = c.width, .bidirectional = true},
                           random);
    lead_.append<TimeAttention>("attention", 2 * c.width, c.attention_width, random);
    add_module("lead", lead_);
    std::int64_t rows = c.leads, columns = 2 * c.width, inputs = 1;
    for (const std::int64_t outputs : c.map_channels) {
      if (maps_.size() > 0) rows /= 2, columns /= 2;
      maps_.append<MapConvolution>(rows, columns, inputs, outputs, random);
      inputs = outputs;
    }
    add_module("maps", maps_);
    values_ = rows * columns * inputs;
  }
  std::int64_t values() const { return values_; }

 protected:
  Tensor compute(const Tensor& x) override {
    const Tensor by_lead = ops::reshape(ops::transpose(x), {x.dim(0) * x.dim(2), x.dim(1), 1});
    const Tensor encoded = lead_.forward(by_lead);
    Tensor y = ops::reshape(encoded, {encoded.dim(0), encoded.dim(1), 1});
    std::int64_t rows = rows_;
    for (std::size_t i = 0; i < maps_.size(); ++i) {
      if (i > 0) {
        y = pool_maps(y, rows);
        rows /= 2;
      }
      y = maps_[i].forward(y);
    }
    return ops::reshape(y, {x.dim(0), values_});
  }

 private:
  std::int64_t rows_;
  std::int64_t values_ = 0;
  nn::Sequential lead_;
  LayerList maps_;
};

class Multibranch : public ConvClassifier {
 public:
  Multibranch(const MultibranchConfig& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<Branches>(config, random);
    const std::int64_t values = body->values();
    set_body(std::move(body), "the branches", {});
    append_linear_head(values, config, random, config.head_width);
    append_feature_branch(config, random);
  }

 protected:
  Tensor summarize(const Tensor& y) override { return y; }
};

}  // namespace

std::vector<ConfigField> config_fields(MultibranchConfig& c) {
  return ConvClassifierFields(c)
      .width("channels", &c.channels, "outputs of each convolution of a lead; each halves the length")
      .kernel("kernels", &c.kernels, "kernel length of each convolution; odd")
      .width("width", &c.width, "hidden units of each direction of the LSTM")
      .width("attention_width", &c.attention_width, "hidden width of the attention over time")
      .width("map_channels", &c.map_channels, "outputs of each convolution over leads and values; halved between them")
      .width("head_width", &c.head_width, "hidden width of the head")
      .with_linear_head();
}

void check(const MultibranchConfig& config) {
  MultibranchConfig copy = config;
  const auto refuse = [](const std::string& what) {
    throw Error("multibranch_cnn_standin: " + what, "Correct the configuration's section [model].");
  };
  if (config.channels.empty() || config.channels.size() != config.kernels.size())
    refuse(fmt::format("{} channels and {} kernels, expected as many of each, and at least one", config.channels.size(),
                       config.kernels.size()));
  check_conv_classifier("multibranch_cnn_standin", config, config_fields(copy),
                        std::int64_t{1} << std::min<std::int64_t>(std::ssize(config.channels), 30));
  if (std::any_of(config.kernels.begin(), config.kernels.end(), [](std::int64_t k) { return k % 2 == 0; }))
    refuse("expected odd kernels");
  if (config.map_channels.empty()) refuse("expected at least one of map_channels");
  const std::int64_t halvings = std::min<std::int64_t>(std::ssize(config.map_channels) - 1, 30);
  if (std::min(config.leads, 2 * config.width) >> halvings == 0)
    refuse(fmt::format("a map of {} leads and {} values cannot be halved {} times", config.leads, 2 * config.width,
                       halvings));
}

ModelKind multibranch_cnn_standin_kind() {
  return model_kind<MultibranchConfig, Multibranch>("multibranch_cnn_standin", "multi-branch CNN (stand-in)",
                                                    "a CNN-BiLSTM of each lead, a stand-in for Ayano et al. 2024");
}

}  // namespace cardiograd::model
