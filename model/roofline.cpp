#include "model/roofline.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/error.h"
#include "kernels/all_specs.h"

namespace cardiograd::model {
namespace {

// The calls of a step under construction: a layer adds its forward calls and, last one first, its backward calls.
class Step {
 public:
  explicit Step(std::int64_t batch) : batch_(batch) {}

  std::int64_t batch() const { return batch_; }

  void conv1d(const std::string& layer, const kernels::Conv1dShape& s, bool input_gradient) {
    forward<kernels::Conv1dForward>(layer, s);
    backward<kernels::Conv1dBackwardWeight>(layer, s);
    if (input_gradient) backward<kernels::Conv1dBackwardInput>(layer, s);
  }
  void batch_norm(const std::string& layer, std::int64_t rows, std::int64_t channels) {
    both<kernels::BatchNormForward, kernels::BatchNormBackward>(layer,
                                                                {.rows = rows, .channels = channels, .relu = true});
  }
  void linear(const std::string& layer, std::int64_t rows, std::int64_t inputs, std::int64_t outputs,
              bool input_gradient = true) {
    const kernels::LinearShape s = {.rows = rows, .inputs = inputs, .outputs = outputs};
    forward<kernels::LinearForward>(layer, s);
    backward<kernels::LinearBackwardWeight>(layer, s);
    if (input_gradient) backward<kernels::LinearBackwardInput>(layer, s);
  }
  void dropout(const std::string& layer, std::int64_t count, double probability) {
    if (probability > 0)
      both<kernels::DropoutForward, kernels::DropoutBackward>(
          layer, {.count = count, .key = {.probability = static_cast<float>(probability)}});
  }
  // x + branch(x), whose calls stand between the two. In the backward pass the sum hands its gradient to both, and
  // where the branch began the two gradients of x are added up: that call stands here, because the order is reversed.
  void branch_begins(const std::string& layer, std::int64_t count) {
    backward<kernels::AccumulateForward>(layer, {.count = count, .period = count});
  }
  void branch_ends(const std::string& layer, std::int64_t count) {
    forward<kernels::AddForward>(layer, {.count = count, .period = count});
  }
  template <class Forward, class Backward>
  void both(const std::string& layer, const typename Forward::Shape& s) {
    forward<Forward>(layer, s);
    backward<Backward>(layer, s);
  }
  template <class Row>
  void forward(const std::string& layer, const typename Row::Shape& s) {
    forward_.push_back(call<Row>(layer, s));
  }
  template <class Row>
  void backward(const std::string& layer, const typename Row::Shape& s) {
    backward_.push_back(call<Row>(layer, s));
  }
  // Forward calls, then backward calls from the last layer to the first.
  std::vector<KernelCall> take() {
    forward_.insert(forward_.end(), std::make_move_iterator(backward_.rbegin()),
                    std::make_move_iterator(backward_.rend()));
    return std::move(forward_);
  }

 private:
  template <class Row>
  static KernelCall call(const std::string& layer, const typename Row::Shape& s) {
    return {layer, Row::kName, kernels::bind_case<Row>(s)};
  }

  std::int64_t batch_;
  std::vector<KernelCall> forward_;
  std::vector<KernelCall> backward_;
};

// Returns the samples that are left.
std::int64_t add_cnn(const HcCnnTnConfig& config, Step& step) {
  std::int64_t time = config.samples;
  std::int64_t channels = config.leads;
  for (std::size_t i = 0; i < config.channels.size(); ++i) {
    const std::int64_t outputs = config.channels[i];
    const std::string layer = fmt::format("cnn.{}", 4 * i);
    step.conv1d(layer,
                {.batch = step.batch(),
                 .time = time,
                 .input_channels = channels,
                 .output_channels = outputs,
                 .kernel = config.kernels[i],
                 .padding = config.kernels[i] / 2},
                i > 0);
    step.batch_norm(fmt::format("cnn.{}", 4 * i + 1), step.batch() * time, outputs);
    step.both<kernels::MaxPoolForward, kernels::MaxPoolBackward>(
        fmt::format("cnn.{}", 4 * i + 3),
        {.batch = step.batch(), .time = time, .channels = outputs, .kernel = 2, .stride = 2});
    time /= 2;
    channels = outputs;
  }
  return time;
}

void add_encoder_layer(const HcCnnTnConfig& config, const std::string& layer, std::int64_t time, Step& step) {
  const std::int64_t width = config.channels.back();
  const std::int64_t rows = step.batch() * time;
  const kernels::LayerNormShape norm = {.rows = rows, .width = width};
  const kernels::AttentionShape attention = {.batch = step.batch(),
                                             .time = time,
                                             .heads = config.heads,
                                             .width = width / config.heads,
                                             .dropout = {.probability = static_cast<float>(config.encoder_dropout)}};
  step.branch_begins(layer + ".self_attn", rows * width);
  step.linear(layer + ".self_attn.in_proj", rows, width, 3 * width);
  step.both<kernels::AttentionForward, kernels::AttentionBackward>(layer + ".self_attn", attention);
  step.linear(layer + ".self_attn.out_proj", rows, width, width);
  step.dropout(layer + ".dropout1", rows * width, config.encoder_dropout);
  step.branch_ends(layer + ".self_attn", rows * width);
  step.both<kernels::LayerNormForward, kernels::LayerNormBackward>(layer + ".norm1", norm);

  step.branch_begins(layer + ".linear2", rows * width);
  step.linear(layer + ".linear1", rows, width, config.feed_forward);
  step.both<kernels::ReluForward, kernels::ReluBackward>(layer + ".relu", {rows * config.feed_forward});
  step.dropout(layer + ".dropout", rows * config.feed_forward, config.encoder_dropout);
  step.linear(layer + ".linear2", rows, config.feed_forward, width);
  step.dropout(layer + ".dropout2", rows * width, config.encoder_dropout);
  step.branch_ends(layer + ".linear2", rows * width);
  step.both<kernels::LayerNormForward, kernels::LayerNormBackward>(layer + ".norm2", norm);
}

// Returns the width of what the head reads.
std::int64_t add_feature_branch(const HcCnnTnConfig& config, Step& step) {
  const std::int64_t channels = config.channels.back();
  if (config.features == 0) return channels;
  const std::int64_t width = config.feature_width;
  step.linear("hc.0", step.batch(), config.features, width, false);
  step.batch_norm("hc.1", step.batch(), width);
  step.linear("hc.3", step.batch(), width, width);
  step.batch_norm("hc.4", step.batch(), width);
  step.both<kernels::ConcatForward, kernels::ConcatBackward>(
      "concat", {.rows = step.batch(), .width_a = channels, .width_b = width});
  return channels + width;
}

}  // namespace

std::vector<KernelCall> training_step_calls(const HcCnnTnConfig& config, std::int64_t batch) {
  if (batch < 2) throw Error(fmt::format("a training step on a batch of {}, expected 2 or more", batch));
  const std::int64_t parameters = HcCnnTn(config, 0).parameter_count();  // Checks the sizes, too.
  Step step(batch);
  step.forward<kernels::GatherBatchForward>(
      "batch", {.records = batch, .batch = batch, .time = config.samples, .channels = config.leads});
  const std::int64_t time = add_cnn(config, step);
  const std::int64_t width = config.channels.back();
  step.forward<kernels::AddForward>("positions", {.count = batch * time * width, .period = time * width});
  for (std::int64_t i = 0; i < config.encoder_layers; ++i)
    add_encoder_layer(config, fmt::format("encoder.layers.{}", i), time, step);
  step.both<kernels::MeanTimeForward, kernels::MeanTimeBackward>("mean",
                                                                 {.batch = batch, .time = time, .channels = width});
  const std::int64_t joined = add_feature_branch(config, step);
  step.linear("head.0", batch, joined, config.head_width);
  step.both<kernels::ReluForward, kernels::ReluBackward>("head.1", {batch * config.head_width});
  step.dropout("head.2", batch * config.head_width, config.head_dropout);
  step.linear("head.3", batch, config.head_width, config.classes);
  step.both<kernels::WeightedBceForward, kernels::WeightedBceBackward>("loss",
                                                                       {.rows = batch, .classes = config.classes});
  std::vector<KernelCall> calls = step.take();
  calls.push_back({"adam", kernels::AdamForward::kName,
                   kernels::bind_case<kernels::AdamForward>({.count = parameters, .lr = 3e-4})});
  return calls;
}

}  // namespace cardiograd::model
