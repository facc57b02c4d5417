#include "model/lstm.h"

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "base/random_streams.h"
#include "engine/nn/lstm.h"

namespace cardiograd::model {
namespace {

// LSTM layers and head keep the numbers that they have in the source, behind layers without tensors.
template <class Config>
class LstmClassifier : public ConvClassifier {
 public:
  LstmClassifier(const Config& config, std::uint64_t seed) : ConvClassifier(config) {
    check(config);
    PhiloxStream random(seed, random_streams::kInitialWeights);
    constexpr bool kBidirectional = std::is_same_v<Config, LstmBidirConfig>;
    auto body = std::make_unique<nn::Sequential>();
    body->append<nn::Lstm>(
        "2",
        nn::LstmOptions{
            .inputs = config.leads, .width = config.width, .layers = config.layers, .bidirectional = kBidirectional},
        random);
    std::vector<std::string> by_lead = {"body.2.weight_ih_l0"};
    if (kBidirectional) by_lead.emplace_back("body.2.weight_ih_l0_reverse");
    set_body(std::move(body), "the LSTM", std::move(by_lead));
    append_head(3 * (kBidirectional ? 2 : 1) * config.width, 1, config, random);
    nn::kaiming_normal(head(), random);
    append_feature_branch(config, random);
  }

 protected:
  Tensor summarize(const Tensor& y) override {
    return ops::concat(ops::concat(ops::mean_over_time(y), ops::max_over_time(y)), ops::select_time(y, -1));
  }
};

void check_lstm(const char* name, const LstmConfig& config) {
  LstmConfig copy = config;
  check_conv_classifier(name, config, config_fields(copy), 1);
}

}  // namespace

std::vector<ConfigField> config_fields(LstmConfig& c) {
  return ConvClassifierFields(c)
      .width("width", &c.width, "hidden units of a layer and direction")
      .blocks("layers", &c.layers, "LSTM layers")
      .with_head(c.head_width);
}

void check(const LstmConfig& config) {
  check_lstm("lstm", config);
}

void check(const LstmBidirConfig& config) {
  check_lstm("lstm_bidir", config);
}

ModelKind lstm_kind() {
  return model_kind<LstmConfig, LstmClassifier<LstmConfig>>("lstm", "LSTM", "two LSTM layers");
}

ModelKind lstm_bidir_kind() {
  return model_kind<LstmBidirConfig, LstmClassifier<LstmBidirConfig>>("lstm_bidir", "bidirectional LSTM",
                                                                      "two LSTM layers in both directions");
}

}  // namespace cardiograd::model
