#include "model/conv_classifier.h"

#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "engine/ops/ops.h"

namespace cardiograd::model {

ConvClassifierFields::ConvClassifierFields(ClassifierConfig& config)
    : config_(config), fields_(data_shape_fields(config.classes, config.features, config.leads, config.samples)) {}

ConvClassifierFields& ConvClassifierFields::add(const char* key, ConfigReference value, double max, const char* help) {
  fields_.push_back(
      {.section = "model", .key = key, .value = std::move(value), .help = help, .range = {.min = 1, .max = max}});
  return *this;
}

ConvClassifierFields& ConvClassifierFields::width(const char* key, ConfigReference value, const char* help) {
  return add(key, std::move(value), 65536, help);
}

ConvClassifierFields& ConvClassifierFields::kernel(const char* key, ConfigReference value, const char* help) {
  return add(key, std::move(value), 9999, help);
}

ConvClassifierFields& ConvClassifierFields::blocks(const char* key, ConfigReference value, const char* help) {
  return add(key, std::move(value), 1000, help);
}

std::vector<ConfigField> ConvClassifierFields::with_linear_head() const {
  std::vector<ConfigField> fields = fields_;
  fields.push_back({.section = "model",
                    .key = "feature_width",
                    .value = &config_.feature_width,
                    .help = "width of both layers that read the hand-crafted features",
                    .range = {.min = 1, .max = 65536},
                    .came_later = true});
  fields.push_back({.section = "model",
                    .key = "head_dropout",
                    .value = &config_.head_dropout,
                    .help = "dropout probability before the last layer",
                    .range = {.min = 0, .max = 1, .below_max = true}});
  return fields;
}

std::vector<ConfigField> ConvClassifierFields::with_head(std::int64_t& head_width) const {
  std::vector<ConfigField> fields = with_linear_head();
  fields.back().help = "dropout probability before the last layer; half of it before the hidden one";
  fields.insert(fields.end() - 1, {.section = "model",
                                   .key = "head_width",
                                   .value = &head_width,
                                   .help = "hidden width of the head",
                                   .range = {.min = 1, .max = 65536}});
  return fields;
}

void check_conv_classifier(const std::string& model, const ClassifierConfig& config,
                           const std::vector<ConfigField>& fields, std::int64_t min_samples) {
  check_fields(fields);
  if (config.samples < min_samples)
    throw Error(fmt::format("{}: {} samples, at least {} are needed", model, config.samples, min_samples),
                "Use longer records, or a larger training.crop where there is one.");
}

void append_conv_and_norm(nn::Sequential& to, const std::string& conv, const std::string& norm,
                          const ConvNormOptions& o, PhiloxStream& random) {
  to.append<nn::Conv1d>(conv, o.inputs, o.outputs, o.kernel,
                        ops::Conv1dOptions{.stride = o.stride, .padding = (o.kernel - 1) / 2}, random,
                        /*bias=*/false);
  to.append<nn::BatchNorm1d>(norm, o.outputs, o.relu);
}

void append_conv_norm(nn::Sequential& to, const std::string& name, const ConvNormOptions& options,
                      PhiloxStream& random) {
  append_conv_and_norm(to.append<nn::Sequential>(name), "0", "1", options, random);
}

ConvClassifier::ConvClassifier(const ClassifierConfig& config)
    : Model({config.classes, config.features, config.leads, config.samples}) {}

void ConvClassifier::set_body(std::unique_ptr<nn::Layer> body, std::string body_name,
                              std::vector<std::string> by_lead) {
  body_ = std::move(body);
  body_name_ = std::move(body_name);
  by_lead_ = std::move(by_lead);
  add_module("body", *body_);
}

// The numbers of the head's layers are those of the source, which counts pooling, flattening, dropouts and the ReLU.
void ConvClassifier::append_head(std::int64_t summary, std::int64_t first_number, const ConvClassifierConfig& config,
                                 PhiloxStream& random) {
  const auto dropout = static_cast<float>(config.head_dropout);
  const std::int64_t width = summary + (config.features > 0 ? config.feature_width : 0);
  const auto number = [&](std::int64_t i) { return std::to_string(first_number + i); };
  head_.append<nn::BatchNorm1d>(number(0), width);
  head_.append<nn::Dropout>(number(1), dropout / 2);
  head_.append<nn::Linear>(number(2), width, config.head_width, random);
  head_.append<nn::Relu>(number(3));
  head_.append<nn::BatchNorm1d>(number(4), config.head_width);
  head_.append<nn::Dropout>(number(5), dropout);
  head_.append<nn::Linear>(number(6), config.head_width, config.classes, random);
  last_layer_ = "head." + number(6);
  add_module("head", head_);
}

void ConvClassifier::finish(std::unique_ptr<nn::Layer> body, std::int64_t channels, const ConvClassifierConfig& config,
                            std::vector<std::string> by_lead, PhiloxStream& random) {
  set_body(std::move(body), "the convolutions", std::move(by_lead));
  append_head(2 * channels, 2, config, random);
  nn::kaiming_normal(*this, random);
  append_feature_branch(config, random);
}

void ConvClassifier::append_linear_head(std::int64_t summary, const ClassifierConfig& config, PhiloxStream& random,
                                        std::int64_t hidden) {
  std::int64_t width = summary + (config.features > 0 ? config.feature_width : 0);
  std::int64_t number = 0;
  const auto next = [&] { return std::to_string(number++); };
  if (hidden > 0) {
    head_.append<nn::Linear>(next(), width, hidden, random);
    head_.append<nn::Relu>(next());
    width = hidden;
  }
  head_.append<nn::Dropout>(next(), static_cast<float>(config.head_dropout));
  head_.append<nn::Linear>(next(), width, config.classes, random);
  last_layer_ = "head." + std::to_string(number - 1);
  add_module("head", head_);
}

void ConvClassifier::append_feature_branch(const ClassifierConfig& config, PhiloxStream& random) {
  if (config.features == 0) return;
  feature_branch_.build(config.features, config.feature_width, random);
  nn::kaiming_normal(feature_branch_, random);
  add_module("hc", feature_branch_);
  by_feature_ = "hc.0.weight";
}

void ConvClassifier::append_normalized_feature_branch(const ClassifierConfig& config, PhiloxStream& random) {
  if (config.features == 0) return;
  feature_branch_.build_normalized(config.features, config.feature_width, random);
  add_module("hc", feature_branch_);
  by_feature_ = "hc.1.weight";
}

Tensor ConvClassifier::summarize(const Tensor& y) {
  return ops::concat(ops::max_over_time(y), ops::mean_over_time(y));
}

Tensor ConvClassifier::encode(const Tensor& signals) {
  expect_shape("model", "signals", signals, {signals.defined() ? signals.dim(0) : 0, shape().samples, shape().leads});
  return summarize(body_->forward(signals));
}

Tensor ConvClassifier::classify(const Tensor& encoded, const Tensor& features) {
  const Tensor beside = feature_branch_.read(features, encoded.defined() ? encoded.dim(0) : 0);
  return head_.forward(beside.defined() ? ops::concat(encoded, beside) : encoded);
}

Model::Transfer ConvClassifier::transfer() {
  return {.by_lead = by_lead_,
          .by_feature = by_feature_,
          .by_class = {last_layer_ + ".weight", last_layer_ + ".bias"},
          .stages = {{body_name_, body_.get()}}};
}

}  // namespace cardiograd::model
