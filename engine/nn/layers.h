// The layers that models are made of, each initialized as PyTorch's layer of the same name by default. Random initial
// values come from the PhiloxStream that the constructor is given. Layers are made on the CPU, Module::to() moves them.
// Sizes are 1 or more. Inputs are float32; another shape than a layer expects throws Error.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/philox.h"
#include "engine/nn/module.h"
#include "engine/observer.h"
#include "engine/ops/ops.h"

namespace cardiograd::nn {

// A layer with one input and one output. A new one derives from this class and implements compute().
class Layer : public Module {
 public:
  // compute(x), as the layer name() of the layer that calls it (observer.h).
  Tensor forward(const Tensor& x) {
    const LayerScope scope(name());
    return compute(x);
  }
  // forward(x) + added (ops::add), in one pass over memory where the layer can do that. `added` has no gradient.
  Tensor forward_plus(const Tensor& x, const Tensor& added) {
    const LayerScope scope(name());
    return compute_plus(x, added);
  }
  // The mean of forward(x) over time, with `beside` (N, B) beside it where that is defined (ops::mean_over_time,
  // ops::concat), in one pass over memory where the layer can do that.
  Tensor forward_mean(const Tensor& x, const Tensor& beside = {}) {
    const LayerScope scope(name());
    return compute_mean(x, beside);
  }

 protected:
  virtual Tensor compute(const Tensor& x) = 0;
  virtual Tensor compute_plus(const Tensor& x, const Tensor& added) { return ops::add(compute(x), added); }
  virtual Tensor compute_mean(const Tensor& x, const Tensor& beside);

 private:
  friend class Sequential;
  // What this layer makes of the one behind it in a Sequential, which tells it once. True: compute() does the work of
  // `next` too, and the Sequential passes it over.
  virtual bool absorbs(Layer& next);
};

// Layers one after the other.
class Sequential : public Layer {
 public:
  // Appends a layer made from `args`; its tensors are called "<name>.weight", ... The layer lives as long as this.
  // Throws Error when there is one of this name.
  template <class L, class... Args>
  L& append(const std::string& name, Args&&... args) {
    auto layer = std::make_unique<L>(std::forward<Args>(args)...);
    L& reference = *layer;
    add_module(name, reference);
    add(std::move(layer));
    return reference;
  }

 protected:
  Tensor compute(const Tensor& x) override;
  Tensor compute_plus(const Tensor& x, const Tensor& added) override;
  Tensor compute_mean(const Tensor& x, const Tensor& beside) override;

 private:
  void add(std::unique_ptr<Layer> layer);
  // Through all layers but the last.
  Tensor compute_before_last(const Tensor& x);

  std::vector<std::unique_ptr<Layer>> layers_;
  std::vector<Layer*> active_;  // those that no other does the work of
};

class BatchNorm1d;

// x (N, T, inputs) -> (N, Tout, outputs); ops::conv1d. Weights and bias uniform in +-1 / sqrt(fan in); without `bias`
// there is none, as with PyTorch's bias=False.
//
// Before a batch norm that normalizes by the batch, the bias has no gradient: the mean takes away what is equal in all
// rows, so that the exact gradient is zero and a computed one is rounding noise. The bias then stays as it is. On the
// GPU the convolution also takes the statistics that the batch norm needs, in the same pass over memory.
class Conv1d : public Layer {
 public:
  Conv1d(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel, const ops::Conv1dOptions& options,
         PhiloxStream& random, bool bias = true);

 protected:
  Tensor compute(const Tensor& x) override;

 private:
  bool absorbs(Layer& next) override;

  ops::Conv1dOptions options_;
  Tensor weight_;
  Tensor bias_;
  BatchNorm1d* normalized_by_ = nullptr;
};

class Dropout;

// x (..., inputs) -> (..., outputs). Weights and bias uniform in +-1 / sqrt(inputs). Before a batch norm the bias has
// no gradient, as Conv1d's. In a Sequential it does the work of a ReLU behind it, of a dropout behind that, and of a
// linear layer behind these: ops::feed_forward.
class Linear : public Layer {
 public:
  Linear(std::int64_t inputs, std::int64_t outputs, PhiloxStream& random);

  // forward() without the bias, for whoever adds it.
  Tensor product(const Tensor& x);
  const Tensor& bias() const { return bias_; }
  // For ops::feed_forward in a layer that this one belongs to.
  ops::LinearLayer part(bool with_bias = true) const;

 protected:
  Tensor compute(const Tensor& x) override;

 private:
  bool absorbs(Layer& next) override;

  Tensor weight_;
  Tensor bias_;
  Tensor no_bias_;
  const BatchNorm1d* normalized_by_ = nullptr;
  // The layers whose work this one does.
  bool relu_ = false;
  Dropout* dropout_ = nullptr;
  Linear* second_ = nullptr;
};

// x (N, C) or (N, T, C) -> like x, normalized over everything but the channels; with `relu` it also applies the ReLU
// that follows, in the same pass over memory. In training it pools too, when pairs are pooled behind it.
class BatchNorm1d : public Layer {
 public:
  explicit BatchNorm1d(std::int64_t channels, bool relu = false);

  // The next forward()'s input, whose statistics come with it: ops::conv1d_statistics of the arguments.
  Tensor convolve(const Tensor& x, const Tensor& w, const Tensor& b, const ops::Conv1dOptions& options);

 protected:
  Tensor compute(const Tensor& x) override { return compute_plus(x, {}); }
  // `added` may be undefined.
  Tensor compute_plus(const Tensor& x, const Tensor& added) override;

 private:
  bool absorbs(Layer& next) override;

  bool relu_;
  Layer* pool_ = nullptr;          // of pairs, whose work this layer does
  ops::ConvolvedBatch convolved_;  // from convolve() to compute()
  Tensor weight_;
  Tensor bias_;
  Tensor running_mean_;
  Tensor running_var_;
};

// x (N, T, C) -> (N, (T + 2 * padding - kernel) / stride + 1, C): the largest of each `kernel` samples; stride 0: that
// of the kernel.
class MaxPool1d : public Layer {
 public:
  explicit MaxPool1d(std::int64_t kernel, std::int64_t stride = 0, std::int64_t padding = 0)
      : kernel_(kernel), stride_(stride == 0 ? kernel : stride), padding_(padding) {}
  // Whether it takes the larger of two samples side by side.
  bool is_pairs() const { return kernel_ == 2 && stride_ == 2 && padding_ == 0; }

 protected:
  Tensor compute(const Tensor& x) override { return ops::max_pool1d(x, kernel_, stride_, padding_); }

 private:
  std::int64_t kernel_, stride_, padding_;
};

// x (N, T, C) -> (N, Tout, C): ops::avg_pool1d.
class AvgPool1d : public Layer {
 public:
  explicit AvgPool1d(const ops::AvgPoolOptions& options) : options_(options) {}

 protected:
  Tensor compute(const Tensor& x) override { return ops::avg_pool1d(x, options_); }

 private:
  ops::AvgPoolOptions options_;
};

// Any shape: max(x, 0).
class Relu : public Layer {
 protected:
  Tensor compute(const Tensor& x) override { return ops::relu(x); }
};

// Any shape: ops::leaky_relu with a slope of 0.01.
class LeakyRelu : public Layer {
 protected:
  Tensor compute(const Tensor& x) override { return ops::leaky_relu(x); }
};

// Any shape: ops::gelu.
class Gelu : public Layer {
 protected:
  Tensor compute(const Tensor& x) override { return ops::gelu(x); }
};

// Any shape: ops::dropout in training, x itself otherwise. `probability`: 0 or more and less than 1.
class Dropout : public Layer {
 public:
  explicit Dropout(float probability);
  // Which elements it drops in this step: probability 0 outside training.
  kernels::DropoutKey key() const { return active(key_); }

 protected:
  Tensor compute(const Tensor& x) override { return ops::dropout(x, key()); }

 private:
  kernels::DropoutKey key_;
};

// x (..., width) -> like x, normalized over the last dimension.
class LayerNorm : public Layer {
 public:
  explicit LayerNorm(std::int64_t width);
  // forward(residual + dropout(x + bias)) in one pass over memory.
  Tensor forward_sum(const Tensor& residual, const Tensor& x, const Tensor& bias, const kernels::DropoutKey& dropout);
  // forward_mean(residual + dropout(x + bias), beside) likewise.
  Tensor forward_sum_mean(const Tensor& residual, const Tensor& x, const Tensor& bias,
                          const kernels::DropoutKey& dropout, const Tensor& beside);

 protected:
  Tensor compute(const Tensor& x) override { return ops::layer_norm(x, weight_, bias_); }

 private:
  Tensor weight_;
  Tensor bias_;
};

// x (N, T, width) -> like x: self-attention with input and output projections; dropout on the attention weights. Throws
// Error from forward() unless `heads` divides `width`.
class MultiHeadAttention : public Layer {
 public:
  MultiHeadAttention(std::int64_t width, std::int64_t heads, float dropout, PhiloxStream& random);

  // forward() without the bias of the output projection, for whoever adds it.
  Tensor product(const Tensor& x);
  const Tensor& output_bias() const { return out_proj_.bias(); }
  // The attention weights themselves, (N, heads, T, T): row i says how much of each token goes into token i; every row
  // adds up to 1, without dropout. The forward pass never stores them. Computed on the CPU, in double precision.
  Tensor weights(const Tensor& x);

 protected:
  Tensor compute(const Tensor& x) override;

 private:
  Tensor attend(const Tensor& x);

  std::int64_t heads_;
  kernels::DropoutKey dropout_;
  Tensor in_proj_weight_;
  Tensor in_proj_bias_;
  Linear out_proj_;
};

// x (N, T, width) -> like x. Post-norm, as PyTorch's default: x = norm1(x + dropout(attention(x))), x = norm2(x +
// dropout(feed-forward(x))) with a feed-forward of linear, ReLU, dropout, linear. Residual sums and norms are one
// operation (ops::residual_layer_norm).
class TransformerEncoderLayer : public Layer {
 public:
  TransformerEncoderLayer(std::int64_t width, std::int64_t heads, std::int64_t feed_forward, float dropout,
                          PhiloxStream& random);

  // MultiHeadAttention::weights() of its attention.
  Tensor attention_weights(const Tensor& x) { return attention_.weights(x); }

 protected:
  Tensor compute(const Tensor& x) override;
  Tensor compute_mean(const Tensor& x, const Tensor& beside) override;

 private:
  struct Halves {
    Tensor attended;     // norm1
    Tensor transformed;  // the feed-forward's product, without its bias
  };
  // All but norm2.
  Halves before_norm2(const Tensor& x);

  MultiHeadAttention attention_;
  Linear linear1_;
  Dropout dropout_;
  Linear linear2_;
  LayerNorm norm1_;
  LayerNorm norm2_;
  Dropout dropout1_;
  Dropout dropout2_;
};

// Encoder layers "layers.0", "layers.1", ... All start with equal weights: PyTorch's TransformerEncoder makes its
// layers as copies of one.
class TransformerEncoder : public Layer {
 public:
  TransformerEncoder(std::int64_t layers, std::int64_t width, std::int64_t heads, std::int64_t feed_forward,
                     float dropout, PhiloxStream& random);

  // The attention weights of each layer for the tokens `x`, (N, heads, T, T), in evaluation mode.
  std::vector<Tensor> attention_weights(const Tensor& x);

 protected:
  Tensor compute(const Tensor& x) override { return layers_.forward(x); }
  Tensor compute_mean(const Tensor& x, const Tensor& beside) override { return layers_.forward_mean(x, beside); }

 private:
  Sequential layers_;
  std::vector<TransformerEncoderLayer*> in_order_;
};

// Other initial weights than the layers' own: weights of convolutions and linear layers in `module` normal with mean 0
// and SD sqrt(2 / fan in), their biases 0 (He et al. 2015, for layers before a ReLU).
void kaiming_normal(Module& module, PhiloxStream& random);

// Sinusoidal positions (Vaswani et al. 2017, section 3.5): (time, width), sine in even columns and cosine in odd ones.
Tensor sinusoidal_positions(std::int64_t time, std::int64_t width);

}  // namespace cardiograd::nn
