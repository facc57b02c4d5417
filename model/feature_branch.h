// The layers with which a model reads the hand-crafted features, as in the paper's Figure 2: linear, batch norm, ReLU,
// linear, batch norm, ReLU.
#pragma once

#include <cstdint>

#include "engine/nn/layers.h"

namespace cardiograd::model {

class FeatureBranch : public nn::Sequential {
 public:
  // Appends the layers for `features`, 1 or more, both `width` wide. Once. The numbers of the layers count each ReLU.
  void build(std::int64_t features, std::int64_t width, PhiloxStream& random) {
    features_ = features;
    append<nn::Linear>("0", features, width, random);
    append<nn::BatchNorm1d>("1", width, /*relu=*/true);
    append<nn::Linear>("3", width, width, random);
    append<nn::BatchNorm1d>("4", width, /*relu=*/true);
  }

  // Other layers in their place: batch norm, linear, batch norm, leaky ReLU.
  void build_normalized(std::int64_t features, std::int64_t width, PhiloxStream& random) {
    features_ = features;
    append<nn::BatchNorm1d>("0", features);
    append<nn::Linear>("1", features, width, random);
    append<nn::BatchNorm1d>("2", width);
    append<nn::LeakyRelu>("3");
  }

  // (records, features) -> (records, width); undefined before build(), for models without features. Throws Error for
  // another shape.
  Tensor read(const Tensor& features, std::int64_t records) {
    if (features_ == 0) return {};
    expect_shape("model", "features", features, {records, features_});
    return forward(features);
  }

 private:
  std::int64_t features_ = 0;
};

}  // namespace cardiograd::model
