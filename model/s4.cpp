#include "model/s4.h"

#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "base/random_streams.h"
#include "engine/nn/state_space.h"

namespace cardiograd::model {
namespace {

class S4Layer : public nn::Layer {
 public:
  S4Layer(const S4Config& c, PhiloxStream& random)
      : state_space_({.channels = c.width, .states = c.states, .samples = c.samples}, random),
        value_(c.width, c.width, random),
        gate_(c.width, c.width, random),
        norm_(c.width),
        inner_dropout_{.probability = static_cast<float>(c.dropout)},
        outer_dropout_{.probability = static_cast<float>(c.dropout)},
        no_bias_(Tensor::zeros({c.width})) {
    add_module("s4", state_space_);
    add_module("value", value_);
    add_module("gate", gate_);
    add_module("norm", norm_);
    add_dropout(inner_dropout_);
    add_dropout(outer_dropout_);
    add_constant(no_bias_);
  }

 protected:
  Tensor compute(const Tensor& x) override {
    const Tensor y = ops::channel_dropout(ops::gelu(state_space_.forward(x)), active(inner_dropout_));
    // Samples as records: each has gates of its own.
    const Shape rows = {x.dim(0) * x.dim(1), x.dim(2)};
    const Tensor value = ops::reshape(value_.forward(y), {rows[0], 1, rows[1]});
    const Tensor gated = ops::reshape(ops::gate(value, ops::reshape(gate_.forward(y), rows)), x.shape());
    return norm_.forward_sum(x, ops::channel_dropout(gated, active(outer_dropout_)), no_bias_, {});
  }

 private:
  nn::StateSpace state_space_;
  nn::Linear value_;
  nn::Linear gate_;
  nn::LayerNorm norm_;
  kernels::DropoutKey inner_dropout_;
  kernels::DropoutKey outer_dropout_;
  Tensor no_bias_;
};

class S4 : public ConvClassifier {
 public:
  S4(const S4Config& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    auto body = std::make_unique<nn::Sequential>();
    body->append<nn::Conv1d>("encoder", config.leads, config.width, 1, ops::Conv1dOptions{}, random);
    auto& layers = body->append<nn::Sequential>("layers");
    for (std::int64_t i = 0; i < config.layers; ++i) layers.append<S4Layer>(std::to_string(i), config, random);
    set_body(std::move(body), "the state space layers", {"body.encoder.weight"});
    append_linear_head(config.width, config, random);
    append_feature_branch(config, random);
  }

 protected:
  Tensor summarize(const Tensor& y) override { return ops::mean_over_time(y); }
};

}  // namespace

std::vector<ConfigField> config_fields(S4Config& c) {
  ConfigField dropout = {.section = "model",
                         .key = "dropout",
                         .value = &c.dropout,
                         .help = "probability that a channel of a record is dropped, twice in each layer",
                         .range = {.min = 0, .max = 1, .below_max = true}};
  std::vector<ConfigField> fields = ConvClassifierFields(c)
                                        .width("width", &c.width, "channels of every layer")
                                        .blocks("layers", &c.layers, "state space layers")
                                        .width("states", &c.states, "states of a channel's system; even")
                                        .with_linear_head();
  fields.insert(fields.end() - 2, std::move(dropout));
  return fields;
}

void check(const S4Config& config) {
  S4Config copy = config;
  check_conv_classifier("s4", config, config_fields(copy), 1);
  if (config.states % 2 != 0 || config.states > 64)
    throw Error(fmt::format("s4: {} states, expected an even number up to 64", config.states),
                "Correct the configuration's section [model].");
}

ModelKind s4_kind() {
  return model_kind<S4Config, S4>("s4", "S4", "four state space layers");
}

}  // namespace cardiograd::model
