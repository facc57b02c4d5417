// What the convolutional and recurrent models share beside HC-CNN-TN: a body, a summary over time, a head.
//
// The baselines of PTB-XL (Strodthoff, Wagner, Schaeffter and Samek, IEEE J. Biomed. Health Inform. 25:1519,
// 2021; github.com/helme/ecg_ptbxl_benchmarking) have one head behind the convolutions:
//
//   maximum over time, mean over time -> batch norm, dropout -> linear, ReLU -> batch norm, dropout -> linear
//
// and the LSTMs (model/lstm.h) have it behind another summary. The stand-ins (model/mrf_cnn_standin.h and others) end
// in dropout and one linear layer. The sources read the signals alone. Where the data have features, a branch reads
// them (model/feature_branch.h), and what it makes of them joins the summary before the head. Tensors are called
// body.*, head.* and hc.*, and in body and head as in the source.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/nn/layers.h"
#include "model/config_field.h"
#include "model/feature_branch.h"
#include "model/model.h"
#include "model/registry.h"

namespace cardiograd::model {

// The first members of the configuration of such a model.
struct ClassifierConfig {
  std::int64_t classes = DataShape{}.classes;
  std::int64_t features = 0;
  std::int64_t leads = DataShape{}.leads;
  std::int64_t samples = DataShape{}.samples;
  std::int64_t feature_width = 64;
  double head_dropout = 0.5;
};
// Of one with the head of the PTB-XL benchmark.
struct ConvClassifierConfig : ClassifierConfig {
  std::int64_t head_width = 128;
};

// Lists the fields of a configuration, section "model": those of the data, those that add() gives, those of the feature
// branch and the head.
class ConvClassifierFields {
 public:
  explicit ConvClassifierFields(ClassifierConfig& config);
  ConvClassifierFields& width(const char* key, ConfigReference value, const char* help);   // 1 to 65536
  ConvClassifierFields& kernel(const char* key, ConfigReference value, const char* help);  // 1 to 9999
  ConvClassifierFields& blocks(const char* key, ConfigReference value, const char* help);  // 1 to 1000
  // The benchmark's head, whose hidden width is `head_width`.
  std::vector<ConfigField> with_head(std::int64_t& head_width) const;
  // Dropout and one linear layer.
  std::vector<ConfigField> with_linear_head() const;

 private:
  ConvClassifierFields& add(const char* key, ConfigReference value, double max, const char* help);

  ClassifierConfig& config_;
  std::vector<ConfigField> fields_;
};

// Throws Error naming `model` when the data have records of fewer than `min_samples`; and what check_fields() throws.
void check_conv_classifier(const std::string& model, const ClassifierConfig& config,
                           const std::vector<ConfigField>& fields, std::int64_t min_samples);

class ConvClassifier : public Model {
 public:
  // (N, samples, leads) -> (N, 2 * channels), channels being those of the body's result, or as summarize() has it
  Tensor encode(const Tensor& signals) override;
  // What encode() returns and (N, features) -> (N, classes)
  Tensor classify(const Tensor& encoded, const Tensor& features) override;

  Transfer transfer() override;

 protected:
  explicit ConvClassifier(const ClassifierConfig& config);

  // Ends the construction: the body with its `channels`, the head, and initial weights (nn::kaiming_normal); where
  // there are features, their branch, made last. `by_lead`: the body's tensors that read the leads.
  void finish(std::unique_ptr<nn::Layer> body, std::int64_t channels, const ConvClassifierConfig& config,
              std::vector<std::string> by_lead, PhiloxStream& random);

  // The parts of finish(): the body, which `body_name` means in messages; the head on a summary of `summary` values and
  // what the feature branch makes, its first layer called `first_number`; and last, so that a model without features
  // has the weights that it had before there were any, the feature branch, where the data have features.
  void set_body(std::unique_ptr<nn::Layer> body, std::string body_name, std::vector<std::string> by_lead);
  void append_head(std::int64_t summary, std::int64_t first_number, const ConvClassifierConfig& config,
                   PhiloxStream& random);
  // Dropout and one linear layer in its place; with a `hidden` width a linear layer and a ReLU before them.
  void append_linear_head(std::int64_t summary, const ClassifierConfig& config, PhiloxStream& random,
                          std::int64_t hidden = 0);
  void append_feature_branch(const ClassifierConfig& config, PhiloxStream& random);
  // With its normalized layers (FeatureBranch::build_normalized), as initialized there.
  void append_normalized_feature_branch(const ClassifierConfig& config, PhiloxStream& random);
  nn::Module& head() { return head_; }

  // The body's result (N, T, channels) -> what the head takes.
  virtual Tensor summarize(const Tensor& y);

 private:
  std::unique_ptr<nn::Layer> body_;
  std::string body_name_;
  nn::Sequential head_;
  FeatureBranch feature_branch_;
  std::string by_feature_;
  std::string last_layer_;
  std::vector<std::string> by_lead_;
};

// Layers beside each other, called by their number.
class LayerList : public nn::Module {
 public:
  template <class L, class... Args>
  L& append(Args&&... args) {
    auto layer = std::make_unique<L>(std::forward<Args>(args)...);
    L& reference = *layer;
    add_module(std::to_string(layers_.size()), reference);
    layers_.push_back(std::move(layer));
    return reference;
  }
  nn::Layer& operator[](std::size_t i) { return *layers_[i]; }
  std::size_t size() const { return layers_.size(); }

 private:
  std::vector<std::unique_ptr<nn::Layer>> layers_;
};

// Convolution without bias and batch norm, "0" and "1" in `name`; with `relu` a ReLU behind. The padding keeps the
// length where the stride is 1 and the kernel odd: (kernel - 1) / 2.
struct ConvNormOptions {
  std::int64_t inputs = 1;
  std::int64_t outputs = 1;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  bool relu = true;
};
void append_conv_norm(nn::Sequential& to, const std::string& name, const ConvNormOptions& options,
                      PhiloxStream& random);
// The same as two layers of `to` itself.
void append_conv_and_norm(nn::Sequential& to, const std::string& conv, const std::string& norm,
                          const ConvNormOptions& options, PhiloxStream& random);

}  // namespace cardiograd::model
