#include "engine/nn/lstm.h"

#include <cmath>
#include <string>

namespace cardiograd::nn {
namespace {

constexpr std::int64_t kGates = 4;

}  // namespace

Lstm::Lstm(const LstmOptions& options, PhiloxStream& random) : options_(options) {
  const std::int64_t directions = options.bidirectional ? 2 : 1;
  const double bound = 1 / std::sqrt(static_cast<double>(options.width));
  const auto uniform = [&](const Shape& shape) {
    Tensor tensor = Tensor::empty(shape);
    for (std::int64_t i = 0; i < tensor.count(); ++i)
      tensor.data()[i] = static_cast<float>(random.uniform(-bound, bound));
    return tensor;
  };
  for (std::int64_t layer = 0; layer < options.layers; ++layer) {
    const std::int64_t inputs = layer == 0 ? options.inputs : directions * options.width;
    for (std::int64_t direction = 0; direction < directions; ++direction) {
      const std::string place = "l" + std::to_string(layer) + (direction == 0 ? "" : "_reverse");
      ops::LstmWeights& w = weights_.emplace_back();
      w.ih = uniform({inputs, kGates * options.width});
      w.hh = uniform({options.width, kGates * options.width});
      w.bias_ih = uniform({kGates * options.width});
      w.bias_hh = uniform({kGates * options.width});
      add_parameter("weight_ih_" + place, w.ih, Layout::kLinear);
      add_parameter("weight_hh_" + place, w.hh, Layout::kLinear);
      add_parameter("bias_ih_" + place, w.bias_ih);
      add_parameter("bias_hh_" + place, w.bias_hh);
    }
  }
}

Tensor Lstm::compute(const Tensor& x) {
  Tensor y = x;
  for (auto w = weights_.begin(); w != weights_.end(); ++w) {
    const Tensor forward = ops::lstm(y, *w);
    y = options_.bidirectional ? ops::concat(forward, ops::lstm(y, *++w, /*reverse=*/true)) : forward;
  }
  return y;
}

}  // namespace cardiograd::nn
