// What the baselines of PTB-XL share (Strodthoff, Wagner, Schaeffter and Samek, IEEE J. Biomed. Health Inform. 25:1519,
// 2021; github.com/helme/ecg_ptbxl_benchmarking): one head follows the convolutions, the body:
//
//   maximum over time, mean over time -> batch norm, dropout -> linear, ReLU -> batch norm, dropout -> linear
//
// The LSTMs (model/lstm.h) have this head behind another summary over time. The source reads the signals alone. Where
// the data have features, a branch reads them (model/feature_branch.h), and what it makes of them joins the summary
// before the head. Tensors are called body.*, head.* and hc.*, and in body and head as in the source.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/nn/layers.h"
#include "model/config_field.h"
#include "model/feature_branch.h"
#include "model/model.h"
#include "model/registry.h"

namespace cardiograd::model {

// The first members of the configuration of such a model.
struct ConvClassifierConfig {
  std::int64_t classes = DataShape{}.classes;
  std::int64_t features = 0;
  std::int64_t leads = DataShape{}.leads;
  std::int64_t samples = DataShape{}.samples;
  std::int64_t feature_width = 64;
  std::int64_t head_width = 128;
  double head_dropout = 0.5;
};

// Lists the fields of a configuration, section "model": those of the data, those that add() gives, those of the feature
// branch and the head.
class ConvClassifierFields {
 public:
  explicit ConvClassifierFields(ConvClassifierConfig& config);
  ConvClassifierFields& width(const char* key, ConfigReference value, const char* help);   // 1 to 65536
  ConvClassifierFields& kernel(const char* key, ConfigReference value, const char* help);  // 1 to 9999
  ConvClassifierFields& blocks(const char* key, ConfigReference value, const char* help);  // 1 to 1000
  std::vector<ConfigField> with_head() const;

 private:
  ConvClassifierFields& add(const char* key, ConfigReference value, double most, const char* help);

  ConvClassifierConfig& config_;
  std::vector<ConfigField> fields_;
};

// Throws Error naming `model` when the data have records of fewer than `least_samples`; and what check_fields() throws.
void check_conv_classifier(const std::string& model, const ConvClassifierConfig& config,
                           const std::vector<ConfigField>& fields, std::int64_t least_samples);

class ConvClassifier : public Model {
 public:
  // (N, samples, leads) -> (N, 2 * channels), channels being those of the body's result, or as summarize() has it
  Tensor encode(const Tensor& signals) override;
  // What encode() returns and (N, features) -> (N, classes)
  Tensor classify(const Tensor& encoded, const Tensor& features) override;

  Transfer transfer() override;

 protected:
  explicit ConvClassifier(const ConvClassifierConfig& config);

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
  void append_feature_branch(const ConvClassifierConfig& config, PhiloxStream& random);
  nn::Module& head() { return head_; }

  // The body's result (N, T, channels) -> what the head takes.
  virtual Tensor summarize(const Tensor& y);

 private:
  std::unique_ptr<nn::Layer> body_;
  std::string body_name_;
  nn::Sequential head_;
  FeatureBranch feature_branch_;
  std::string last_layer_;
  std::vector<std::string> by_lead_;
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
