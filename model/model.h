// What training, prediction and the report need of a model, whichever it is. To add one, see model/registry.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "engine/nn/module.h"
#include "engine/tensor.h"

namespace cardiograd::model {

// What the data decide about a model.
struct DataShape {
  std::int64_t classes = 5;
  std::int64_t features = 29;  // hand-crafted ones; 0: none
  std::int64_t leads = 12;
  std::int64_t samples = 1000;  // per record and lead
};

inline constexpr std::int64_t kMaxSamples = 1'000'000;

// A classifier of ECGs; `shape` is fixed when it is built.
class Model : public nn::Module {
 public:
  explicit Model(const DataShape& shape) : shape_(shape) {}

  // signals (N, samples, leads), features (N, features) or undefined when there are none -> logits (N, classes).
  // Throws Error for other shapes.
  virtual Tensor forward(const Tensor& signals, const Tensor& features) { return classify(encode(signals), features); }

  // The two halves of forward(), for whoever asks about many features of the same signals: what depends on the signals
  // alone, (N, samples, leads) -> (N, ...), and everything behind it. A model without such a part returns the signals.
  virtual Tensor encode(const Tensor& signals) = 0;
  virtual Tensor classify(const Tensor& encoded, const Tensor& features) = 0;

  // What fine-tuning asks (model/initial_weights.h).
  struct Transfer {
    std::vector<std::string> by_lead;   // tensors (..., leads, outputs)
    std::string by_feature;             // (features, ...)
    std::vector<std::string> by_class;  // (..., classes)
    // What may be frozen, in the order of the data: the convolutions, then the encoder. The names are for messages.
    std::vector<std::pair<std::string, nn::Module*>> stages;
  };
  virtual Transfer transfer() { return {}; }

  const DataShape& shape() const { return shape_; }
  // Trained numbers; running statistics do not count.
  std::int64_t parameter_count();

 private:
  DataShape shape_;
};

}  // namespace cardiograd::model
