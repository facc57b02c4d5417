#include "engine/nn/layers.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/threads.h"
#include "engine/autograd.h"
#include "engine/batch_part.h"

namespace cardiograd::nn {
namespace {

Tensor uniform(const Shape& shape, double bound, PhiloxStream& random) {
  Tensor tensor = Tensor::empty(shape);
  float* values = tensor.data();
  for (std::int64_t i = 0; i < tensor.count(); ++i) values[i] = static_cast<float>(random.uniform(-bound, bound));
  return tensor;
}

Tensor filled(const Shape& shape, float value) {
  Tensor tensor = Tensor::empty(shape);
  std::fill_n(tensor.data(), tensor.count(), value);
  return tensor;
}

// A layer's bias, without a gradient where the next layer takes away whatever it adds.
Tensor bias_before(const BatchNorm1d* next, const Tensor& bias) {
  return next != nullptr && next->training() ? bias.detach() : bias;
}

double fan_in_bound(std::int64_t fan_in) {
  return 1.0 / std::sqrt(static_cast<double>(fan_in));
}

// True where batch norm takes its statistics over more rows than it is given.
bool shares_statistics() {
  const BatchPart* part = BatchPart::current();
  return part != nullptr && part->shares_statistics();
}

}  // namespace

bool Layer::absorbs(Layer& /*next*/) {
  return false;
}

Tensor Layer::compute_mean(const Tensor& x, const Tensor& beside) {
  const Tensor mean = ops::mean_over_time(compute(x));
  return beside.defined() ? ops::concat(mean, beside) : mean;
}

void Sequential::add(std::unique_ptr<Layer> layer) {
  if (active_.empty() || !active_.back()->absorbs(*layer)) active_.push_back(layer.get());
  layers_.push_back(std::move(layer));
}

Tensor Sequential::compute_before_last(const Tensor& x) {
  Tensor y = x;
  for (std::size_t i = 0; i + 1 < active_.size(); ++i) y = active_[i]->forward(y);
  return y;
}

Tensor Sequential::compute(const Tensor& x) {
  return active_.empty() ? x : active_.back()->forward(compute_before_last(x));
}

Tensor Sequential::compute_plus(const Tensor& x, const Tensor& added) {
  return active_.empty() ? ops::add(x, added) : active_.back()->forward_plus(compute_before_last(x), added);
}

Tensor Sequential::compute_mean(const Tensor& x, const Tensor& beside) {
  return active_.empty() ? Layer::compute_mean(x, beside)
                         : active_.back()->forward_mean(compute_before_last(x), beside);
}

Conv1d::Conv1d(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel, const ops::Conv1dOptions& options,
               PhiloxStream& random, bool bias)
    : options_(options) {
  const std::int64_t group_inputs = inputs / options.groups;
  const double bound = fan_in_bound(group_inputs * kernel);
  weight_ = uniform({kernel, group_inputs, outputs}, bound, random);
  bias_ = bias ? uniform({outputs}, bound, random) : filled({outputs}, 0);
  add_parameter("weight", weight_, Layout::kConv1d);
  if (bias)
    add_parameter("bias", bias_);
  else
    add_constant(bias_);
}

bool Conv1d::absorbs(Layer& next) {
  normalized_by_ = dynamic_cast<BatchNorm1d*>(&next);
  return false;
}

Tensor Conv1d::compute(const Tensor& x) {
  // On the CPU the batch norm's blocks of rows stay in the cache: statistics cost no pass over memory there. Nor does
  // the convolution of a part of a batch know those of the others.
  if (normalized_by_ != nullptr && normalized_by_->training() && x.device() == Device::kCuda && !shares_statistics())
    return normalized_by_->convolve(x, weight_, bias_, options_);
  return ops::conv1d(x, weight_, bias_before(normalized_by_, bias_), options_);
}

Linear::Linear(std::int64_t inputs, std::int64_t outputs, PhiloxStream& random) {
  const double bound = fan_in_bound(inputs);
  weight_ = uniform({inputs, outputs}, bound, random);
  bias_ = uniform({outputs}, bound, random);
  no_bias_ = filled({outputs}, 0);
  add_parameter("weight", weight_, Layout::kLinear);
  add_parameter("bias", bias_);
  add_constant(no_bias_);
}

bool Linear::absorbs(Layer& next) {
  Linear& last = second_ == nullptr ? *this : *second_;
  // A bias before a ReLU does not fall out of the batch norm behind it.
  if (!last.relu_) last.normalized_by_ = dynamic_cast<const BatchNorm1d*>(&next);
  if (second_ != nullptr) return false;
  if (!relu_) return relu_ = dynamic_cast<const Relu*>(&next) != nullptr;
  if (dropout_ == nullptr && (dropout_ = dynamic_cast<Dropout*>(&next)) != nullptr) return true;
  second_ = dynamic_cast<Linear*>(&next);
  return second_ != nullptr;
}

ops::LinearLayer Linear::part(bool with_bias) const {
  const std::string& whole = current_layer();
  return {weight_, with_bias ? bias_before(normalized_by_, bias_) : no_bias_,
          whole.empty() ? name() : whole + "." + name()};
}

Tensor Linear::compute(const Tensor& x) {
  if (second_ != nullptr) {
    ops::LinearLayer first = part();
    first.path.clear();  // It is the present layer.
    ops::LinearLayer second = second_->part();
    const std::string& own = current_layer();
    second.path = own.substr(0, own.size() - std::min(own.size(), name().size())) + second_->name();
    return ops::feed_forward(x, first, dropout_ == nullptr ? kernels::DropoutKey() : dropout_->key(), second);
  }
  const Tensor y = ops::linear(x, weight_, bias_before(normalized_by_, bias_), relu_);
  return dropout_ == nullptr ? y : dropout_->forward(y);
}

Tensor Linear::product(const Tensor& x) {
  const LayerScope scope(name());
  return ops::linear(x, weight_, no_bias_);
}

BatchNorm1d::BatchNorm1d(std::int64_t channels, bool relu)
    : relu_(relu),
      weight_(filled({channels}, 1)),
      bias_(filled({channels}, 0)),
      running_mean_(filled({channels}, 0)),
      running_var_(filled({channels}, 1)) {
  add_parameter("weight", weight_);
  add_parameter("bias", bias_);
  add_buffer("running_mean", running_mean_);
  add_buffer("running_var", running_var_);
}

bool BatchNorm1d::absorbs(Layer& next) {
  const auto* pool = dynamic_cast<const MaxPool1d*>(&next);
  if (pool == nullptr || !pool->is_pairs()) return false;
  pool_ = &next;
  return true;
}

Tensor BatchNorm1d::convolve(const Tensor& x, const Tensor& w, const Tensor& b, const ops::Conv1dOptions& options) {
  convolved_ = ops::conv1d_statistics(x, w, b, options, running_mean_, running_var_);
  return convolved_.y;
}

Tensor BatchNorm1d::compute_plus(const Tensor& x, const Tensor& added) {
  const ops::BatchNormOptions options = {.relu = relu_, .training = training()};
  const ops::ConvolvedBatch convolved = std::exchange(convolved_, {});
  const bool given = convolved.y.defined();
  if (given && pool_ != nullptr) return ops::batch_norm_pool(convolved, weight_, bias_, added, options);
  const auto normalized = [&] {
    if (given) return ops::batch_norm(convolved, weight_, bias_, options);
    if (pool_ == nullptr) return ops::batch_norm(x, weight_, bias_, running_mean_, running_var_, options);
    // Of a part of a batch the statistics come from other processes: pooling is then a pass of its own.
    if (options.training && !shares_statistics())
      return ops::batch_norm_pool(x, weight_, bias_, running_mean_, running_var_, options);
    return pool_->forward(ops::batch_norm(x, weight_, bias_, running_mean_, running_var_, options));
  };
  return added.defined() ? ops::add(normalized(), added) : normalized();
}

Dropout::Dropout(float probability) {
  key_.probability = probability;
  add_dropout(key_);
}

LayerNorm::LayerNorm(std::int64_t width) : weight_(filled({width}, 1)), bias_(filled({width}, 0)) {
  add_parameter("weight", weight_);
  add_parameter("bias", bias_);
}

Tensor LayerNorm::forward_sum(const Tensor& residual, const Tensor& x, const Tensor& bias,
                              const kernels::DropoutKey& dropout) {
  const LayerScope scope(name());
  return ops::residual_layer_norm(x, bias, residual, weight_, bias_, dropout);
}

Tensor LayerNorm::forward_sum_mean(const Tensor& residual, const Tensor& x, const Tensor& bias,
                                   const kernels::DropoutKey& dropout, const Tensor& beside) {
  const LayerScope scope(name());
  return ops::residual_layer_norm_mean(x, bias, residual, weight_, bias_, beside, dropout);
}

MultiHeadAttention::MultiHeadAttention(std::int64_t width, std::int64_t heads, float dropout, PhiloxStream& random)
    : heads_(heads),
      // Glorot's bound for a (3 * width, width) matrix, and zero biases: PyTorch's choice for this layer.
      in_proj_weight_(uniform({width, 3 * width}, std::sqrt(6.0 / static_cast<double>(4 * width)), random)),
      in_proj_bias_(filled({3 * width}, 0)),
      out_proj_(width, width, random) {
  dropout_.probability = dropout;
  add_parameter("in_proj_weight", in_proj_weight_, Layout::kLinear);
  add_parameter("in_proj_bias", in_proj_bias_);
  add_module("out_proj", out_proj_);
  add_dropout(dropout_);
  Tensor& out_bias = *out_proj_.parameters()[1].tensor;
  std::fill_n(out_bias.data(), out_bias.count(), 0.0F);
}

Tensor MultiHeadAttention::attend(const Tensor& x) {
  const Tensor qkv = ops::linear(x, in_proj_weight_, in_proj_bias_);
  return ops::attention(qkv, heads_, active(dropout_));
}

Tensor MultiHeadAttention::compute(const Tensor& x) {
  return out_proj_.forward(attend(x));
}

Tensor MultiHeadAttention::product(const Tensor& x) {
  const LayerScope scope(name());
  return out_proj_.product(attend(x));
}

Tensor MultiHeadAttention::weights(const Tensor& x) {
  const NoGrad no_grad;
  const Tensor qkv = ops::linear(x, in_proj_weight_, in_proj_bias_).to(Device::kCpu);
  const std::int64_t records = qkv.dim(0), time = qkv.dim(1), width = qkv.dim(2) / 3, per_head = width / heads_;
  const double scale = 1 / std::sqrt(static_cast<double>(per_head));
  Tensor weights = Tensor::empty({records, heads_, time, time});
  parallel_for(records * heads_ * time, [&](std::int64_t row) {
    const std::int64_t i = row % time, head = row / time % heads_, n = row / time / heads_;
    const float* q = qkv.data() + (n * time + i) * 3 * width + head * per_head;
    std::vector<double> products(static_cast<std::size_t>(time));
    for (std::int64_t j = 0; j < time; ++j) {
      const float* k = qkv.data() + (n * time + j) * 3 * width + width + head * per_head;
      double& sum = products[static_cast<std::size_t>(j)];
      for (std::int64_t d = 0; d < per_head; ++d) sum += static_cast<double>(q[d]) * static_cast<double>(k[d]);
      sum *= scale;
    }
    const double largest = *std::max_element(products.begin(), products.end());
    double total = 0;
    for (double& product : products) total += product = std::exp(product - largest);
    for (std::int64_t j = 0; j < time; ++j)
      weights.data()[row * time + j] = static_cast<float>(products[static_cast<std::size_t>(j)] / total);
  });
  return weights;
}

TransformerEncoderLayer::TransformerEncoderLayer(std::int64_t width, std::int64_t heads, std::int64_t feed_forward,
                                                 float dropout, PhiloxStream& random)
    : attention_(width, heads, dropout, random),
      linear1_(width, feed_forward, random),
      dropout_(dropout),
      linear2_(feed_forward, width, random),
      norm1_(width),
      norm2_(width),
      dropout1_(dropout),
      dropout2_(dropout) {
  add_module("self_attn", attention_);
  add_module("linear1", linear1_);
  add_module("dropout", dropout_);
  add_module("linear2", linear2_);
  add_module("norm1", norm1_);
  add_module("norm2", norm2_);
  add_module("dropout1", dropout1_);
  add_module("dropout2", dropout2_);
}

TransformerEncoderLayer::Halves TransformerEncoderLayer::before_norm2(const Tensor& x) {
  const Tensor attended = norm1_.forward_sum(x, attention_.product(x), attention_.output_bias(), dropout1_.key());
  return {attended, ops::feed_forward(attended, linear1_.part(), dropout_.key(), linear2_.part(/*with_bias=*/false))};
}

Tensor TransformerEncoderLayer::compute(const Tensor& x) {
  const Halves halves = before_norm2(x);
  return norm2_.forward_sum(halves.attended, halves.transformed, linear2_.bias(), dropout2_.key());
}

Tensor TransformerEncoderLayer::compute_mean(const Tensor& x, const Tensor& beside) {
  const Halves halves = before_norm2(x);
  return norm2_.forward_sum_mean(halves.attended, halves.transformed, linear2_.bias(), dropout2_.key(), beside);
}

TransformerEncoder::TransformerEncoder(std::int64_t layers, std::int64_t width, std::int64_t heads,
                                       std::int64_t feed_forward, float dropout, PhiloxStream& random) {
  PhiloxStream after = random;
  for (std::int64_t i = 0; i < layers; ++i) {
    PhiloxStream same = random;
    in_order_.push_back(
        &layers_.append<TransformerEncoderLayer>(std::to_string(i), width, heads, feed_forward, dropout, same));
    after = same;
  }
  random = after;
  add_module("layers", layers_);
}

std::vector<Tensor> TransformerEncoder::attention_weights(const Tensor& x) {
  const NoGrad no_grad;
  std::vector<Tensor> weights;
  Tensor tokens = x;
  for (TransformerEncoderLayer* layer : in_order_) {
    weights.push_back(layer->attention_weights(tokens));
    tokens = layer->forward(tokens);
  }
  return weights;
}

void kaiming_normal(Module& module, PhiloxStream& random) {
  for (const NamedTensor& named : module.parameters()) {
    Tensor& tensor = *named.tensor;
    float* values = tensor.data();
    if (named.layout != Layout::kSame) {
      const double sd = std::sqrt(2 * static_cast<double>(tensor.shape().last()) / static_cast<double>(tensor.count()));
      for (std::int64_t i = 0; i < tensor.count(); ++i) values[i] = static_cast<float>(sd * random.normal());
    } else if (named.name.ends_with("bias")) {
      std::fill_n(values, tensor.count(), 0.0F);
    }
  }
}

Tensor sinusoidal_positions(std::int64_t time, std::int64_t width) {
  Tensor positions = Tensor::empty({time, width});
  for (std::int64_t t = 0; t < time; ++t) {
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t even = c - c % 2;
      const double exponent = static_cast<double>(even) / static_cast<double>(width);
      const double angle = static_cast<double>(t) * std::pow(10000.0, -exponent);
      positions.data()[t * width + c] = static_cast<float>(c % 2 == 0 ? std::sin(angle) : std::cos(angle));
    }
  }
  return positions;
}

}  // namespace cardiograd::nn
