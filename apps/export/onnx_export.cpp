#include "apps/export/onnx_export.h"

#include <cmath>
#include <map>
#include <vector>

#include <Eigen/Core>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx/onnx_pb.h>

#include "apps/export/onnx_graph.h"
#include "base/enum_words.h"
#include "base/error.h"
#include "base/precision_words.h"
#include "engine/io/safetensors.h"
#include "model/hc_cnn_tn.h"
#include "model/preprocessing.h"

namespace cardiograd::apps {
namespace {

constexpr float kEpsilon = 1e-5F;  // Of batch norm and layer norm: the engine's default.

std::vector<float> floats(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

// y = F x for the filter that training and `predict` apply to a record of `samples` values: column j of F is what the
// filter makes of a one at sample j. Returned transposed, row-major, for x F^T.
std::vector<float> filter_matrix(const data::SignalFilter& filter, std::int64_t samples, double rate) {
  const Eigen::ArrayXXd columns = filter.apply(Eigen::MatrixXd::Identity(samples, samples).array(), rate);
  std::vector<float> matrix;
  matrix.reserve(static_cast<std::size_t>(samples * samples));
  for (Eigen::Index j = 0; j < columns.cols(); ++j)
    for (Eigen::Index t = 0; t < columns.rows(); ++t) matrix.push_back(static_cast<float>(columns(t, j)));
  return matrix;
}

// The layers of HC-CNN-TN in the order in which its forward pass calls them.
class Exporter {
 public:
  Exporter(OnnxGraph& graph, model::HcCnnTn& net, const model::ModelDescription& description,
           const OnnxOptions& options)
      : graph_(graph),
        config_(net.config()),
        description_(description),
        options_(options),
        record_samples_(description.cropped_from == 0 ? config_.samples : description.cropped_from) {
    for (const nn::NamedTensor& named : net.named_tensors())
      weights_.emplace(named.name, to_pytorch(*named.tensor, named.layout));
  }

  void run() {
    graph_.add_input("signals", {config_.leads, record_samples_});
    const bool crops = description_.cropped_from != 0;
    std::string joined = encoded(crops ? windows_of(scaled_signals()) : scaled_signals());
    if (config_.features > 0) {
      graph_.add_input("features", {static_cast<std::int64_t>(description_.feature_scaling.names.size())});
      const std::string features = feature_branch(scaled_features());
      joined = graph_.node("joined", "Concat", {joined, crops ? for_each_window(features) : features},
                           {{"axis", std::int64_t{1}}});
    }
    const std::string hidden = graph_.node("head.1", "Relu", {gemm("head.0", joined)});
    if (crops) {
      join_windows(gemm("head.3", hidden));
    } else {
      gemm("head.3", hidden, "logits");
      graph_.node("probabilities", "Sigmoid", {"logits"});
    }
    graph_.add_output("logits", {config_.classes});
    graph_.add_output("probabilities", {config_.classes});
  }

 private:
  std::string weight(const std::string& name) { return graph_.constant(name, weights_.at(name)); }
  // A weight of a linear layer as (inputs, outputs), which MatMul takes.
  std::string transposed_weight(const std::string& name) {
    return graph_.constant(name, from_pytorch(weights_.at(name), nn::Layout::kLinear));
  }

  std::string scaled_signals() {
    std::string x = "signals";
    if (options_.filter_inside) {
      const auto settings =
          model::recording_settings(description_.filter, description_.normalize, description_.feature_set);
      const std::string matrix =
          graph_.constant("filter.matrix", filter_matrix(settings.filter, record_samples_, description_.rate),
                          {record_samples_, record_samples_});
      x = graph_.node("filtered", "MatMul", {x, matrix});
    }
    const std::vector<std::int64_t> per_lead = {1, config_.leads, 1};
    const model::SignalScaling& scaling = description_.signal_scaling;
    x = graph_.node("signals.centered", "Sub", {x, graph_.constant("signals.mean", floats(scaling.mean), per_lead)});
    return graph_.node("signals.scaled", "Div", {x, graph_.constant("signals.sd", floats(scaling.sd), per_lead)});
  }

  // Of a model that sees crops: (batch, leads, record) -> (batch * windows, leads, samples), record by record.
  std::string windows_of(const std::string& x) {
    starts_ = model::crop_windows(description_.crops(), record_samples_);
    std::vector<std::int64_t> places;
    for (const std::int64_t start : starts_)
      for (std::int64_t t = 0; t < config_.samples; ++t) places.push_back(start + t);
    const std::string cut = graph_.node("windows.cut", "Gather", {x, graph_.constant("windows.samples", places)},
                                        {{"axis", std::int64_t{2}}});
    const std::vector<std::int64_t> apart = {0, config_.leads, windows(), config_.samples},
                                    records = {-1, config_.leads, config_.samples};
    const std::string split = graph_.node("windows.split", "Reshape", {cut, graph_.constant("windows.apart", apart)});
    const std::string by_window =
        graph_.node("windows.by_window", "Transpose", {split}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
    return graph_.node("windows", "Reshape", {by_window, graph_.constant("windows.records", records)});
  }

  // (batch, width) -> (batch * windows, width), each row once for each window.
  std::string for_each_window(const std::string& x) {
    const std::int64_t width = config_.feature_width;
    const std::vector<std::int64_t> row = {-1, 1, width}, rows = {1, windows(), width}, records = {-1, width};
    const std::string one = graph_.node("features.row", "Reshape", {x, graph_.constant("features.row_shape", row)});
    const std::string all = graph_.node("features.rows", "Expand", {one, graph_.constant("features.rows_shape", rows)});
    return graph_.node("features.windows", "Reshape", {all, graph_.constant("features.windows_shape", records)});
  }

  // The windows' logits (batch * windows, classes) -> `logits` and `probabilities` of the records, as joined_logit() in
  // model/crops.h has them.
  void join_windows(const std::string& x) {
    const std::vector<std::int64_t> shape = {-1, windows(), config_.classes};
    const OnnxGraph::Attributes over_windows = {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}};
    const std::string apart = graph_.node("answers", "Reshape", {x, graph_.constant("answers.shape", shape)});
    if (description_.aggregate == model::Aggregate::kMax) {
      graph_.node("logits", "ReduceMax", {apart}, over_windows);
      graph_.node("probabilities", "Sigmoid", {"logits"});
      return;
    }
    graph_.node("probabilities", "ReduceMean", {graph_.node("answers.yes", "Sigmoid", {apart})}, over_windows);
    const std::string no = graph_.node("answers.no", "Sigmoid", {graph_.node("answers.negative", "Neg", {apart})});
    graph_.node(
        "logits", "Sub",
        {graph_.node("answers.log_yes", "Log", {"probabilities"}),
         graph_.node("answers.log_no", "Log", {graph_.node("answers.mean_no", "ReduceMean", {no}, over_windows)})});
  }

  std::int64_t windows() const { return static_cast<std::int64_t>(starts_.size()); }

  // Missing values become the training median; then training mean and SD, at most 5 SDs away (model/scaling.h).
  std::string scaled_features() {
    const model::FeatureScaling& scaling = description_.feature_scaling;
    const auto columns = static_cast<std::int64_t>(scaling.names.size());
    const std::string not_a_number = graph_.node("features.nan", "IsNaN", {"features"});
    const std::string infinite = graph_.node("features.infinite", "IsInf", {"features"});
    const std::string missing = graph_.node("features.missing", "Or", {not_a_number, infinite});
    const std::string median = graph_.constant("features.median", floats(scaling.median), {columns});
    std::string x = graph_.node("features.imputed", "Where", {missing, median, "features"});
    x = graph_.node("features.centered", "Sub", {x, graph_.constant("features.mean", floats(scaling.mean), {columns})});
    std::vector<float> divisors;
    for (const double sd : scaling.sd) divisors.push_back(static_cast<float>(sd + model::kFeatureSdGuard));
    x = graph_.node("features.divided", "Div", {x, graph_.constant("features.sd", divisors, {columns})});
    const auto bound = static_cast<float>(model::kMaxFeatureDeviations);
    x = graph_.node("features.scaled", "Clip",
                    {x, graph_.constant("features.low", std::vector<float>{-bound}, {}),
                     graph_.constant("features.high", std::vector<float>{bound}, {})});
    if (!scaling.missing_flags) return x;
    const std::string flags =
        graph_.node("features.flags", "Cast", {missing}, {{"to", static_cast<std::int64_t>(onnx::TensorProto::FLOAT)}});
    return graph_.node("features.flagged", "Concat", {x, flags}, {{"axis", std::int64_t{1}}});
  }

  std::string batch_norm(const std::string& name, const std::string& x) {
    const std::string y = graph_.node(name, "BatchNormalization",
                                      {x, weight(name + ".weight"), weight(name + ".bias"),
                                       weight(name + ".running_mean"), weight(name + ".running_var")},
                                      {{"epsilon", kEpsilon}});
    return graph_.node(name + ".relu", "Relu", {y});
  }

  // x (batch, inputs) -> (batch, outputs)
  std::string gemm(const std::string& name, const std::string& x, const std::string& output = "") {
    return graph_.node(output.empty() ? name : output, "Gemm", {x, weight(name + ".weight"), weight(name + ".bias")},
                       {{"transB", std::int64_t{1}}});
  }

  // x (batch, time, inputs) -> (batch, time, outputs); the weight and bias are called `prefix`weight and `prefix`bias.
  std::string linear(const std::string& name, const std::string& prefix, const std::string& x) {
    const std::string product = graph_.node(name + ".product", "MatMul", {x, transposed_weight(prefix + "weight")});
    return graph_.node(name, "Add", {product, weight(prefix + "bias")});
  }

  std::string layer_norm(const std::string& name, const std::string& x) {
    return graph_.node(name, "LayerNormalization", {x, weight(name + ".weight"), weight(name + ".bias")},
                       {{"axis", std::int64_t{-1}}, {"epsilon", kEpsilon}});
  }

  // (batch, time, width) -> the same for all heads: (batch, heads, time, width / heads), or with the last two swapped.
  std::string heads_of(const std::string& name, const std::string& x, const std::string& shape, bool swapped = false) {
    const std::string split = graph_.node(name + ".heads", "Reshape", {x, shape});
    const std::vector<std::int64_t> order =
        swapped ? std::vector<std::int64_t>{0, 2, 3, 1} : std::vector<std::int64_t>{0, 2, 1, 3};
    return graph_.node(name + ".by_head", "Transpose", {split}, {{"perm", order}});
  }

  std::string attention(const std::string& name, const std::string& x) {
    const std::int64_t width = config_.channels.back();
    const std::int64_t head_width = width / config_.heads;
    const std::string in_heads =
        graph_.constant(name + ".in_heads", std::vector<std::int64_t>{0, 0, config_.heads, head_width});
    const std::string whole = graph_.constant(name + ".whole", std::vector<std::int64_t>{0, 0, width});
    const std::vector<std::string> qkv =
        graph_.split(name + ".qkv", linear(name + ".in_proj", name + ".in_proj_", x), 2, 3);
    const std::string q = heads_of(name + ".q", qkv[0], in_heads);
    const std::string k = heads_of(name + ".k", qkv[1], in_heads, /*swapped=*/true);
    const std::string v = heads_of(name + ".v", qkv[2], in_heads);
    const std::string scale = graph_.constant(
        name + ".scale", std::vector<float>{static_cast<float>(1 / std::sqrt(static_cast<double>(head_width)))}, {});
    const std::string scores =
        graph_.node(name + ".scores", "Mul", {graph_.node(name + ".products", "MatMul", {q, k}), scale});
    const std::string weights = graph_.node(name + ".weights", "Softmax", {scores}, {{"axis", std::int64_t{-1}}});
    const std::string mean = graph_.node(name + ".mean", "MatMul", {weights, v});
    const std::string by_time =
        graph_.node(name + ".by_time", "Transpose", {mean}, {{"perm", std::vector<std::int64_t>{0, 2, 1, 3}}});
    return linear(name + ".out_proj", name + ".out_proj.", graph_.node(name + ".joined", "Reshape", {by_time, whole}));
  }

  std::string encoder_layer(const std::string& name, const std::string& x) {
    const std::string attended =
        layer_norm(name + ".norm1", graph_.node(name + ".residual1", "Add", {x, attention(name + ".self_attn", x)}));
    const std::string hidden =
        graph_.node(name + ".relu", "Relu", {linear(name + ".linear1", name + ".linear1.", attended)});
    const std::string y = linear(name + ".linear2", name + ".linear2.", hidden);
    return layer_norm(name + ".norm2", graph_.node(name + ".residual2", "Add", {attended, y}));
  }

  std::string encoded(std::string x) {
    constexpr std::size_t kLayersPerBlock = 4;  // As the layers are numbered in model/hc_cnn_tn.cpp.
    std::int64_t time = config_.samples;
    for (std::size_t block = 0; block < config_.channels.size(); ++block) {
      const auto name = [block](std::size_t layer) { return fmt::format("cnn.{}", kLayersPerBlock * block + layer); };
      const std::int64_t padding = config_.kernels[block] / 2;
      x = graph_.node(name(0), "Conv", {x, weight(name(0) + ".weight"), weight(name(0) + ".bias")},
                      {{"pads", std::vector<std::int64_t>{padding, padding}}});
      x = batch_norm(name(1), x);
      x = graph_.node(name(3), "MaxPool", {x},
                      {{"kernel_shape", std::vector<std::int64_t>{2}}, {"strides", std::vector<std::int64_t>{2}}});
      time /= 2;
    }
    x = graph_.node("tokens", "Transpose", {x}, {{"perm", std::vector<std::int64_t>{0, 2, 1}}});
    if (config_.positions) {
      const Tensor positions = nn::sinusoidal_positions(time, config_.channels.back());
      x = graph_.node("tokens.placed", "Add", {x, graph_.constant("positions", positions)});
    }
    for (std::int64_t layer = 0; layer < config_.encoder_layers; ++layer)
      x = encoder_layer(fmt::format("encoder.layers.{}", layer), x);
    return pooled(x);
  }

  std::string pooled(const std::string& x) {
    const OnnxGraph::Attributes over_time = {{"axes", std::vector<std::int64_t>{1}}, {"keepdims", std::int64_t{0}}};
    if (config_.pool == model::Pool::kMean) return graph_.node("encoded", "ReduceMean", {x}, over_time);
    const std::string mean = graph_.node("encoded.mean", "ReduceMean", {x}, over_time);
    const std::string max = graph_.node("encoded.max", "ReduceMax", {x}, over_time);
    return graph_.node("encoded", "Concat", {mean, max}, {{"axis", std::int64_t{1}}});
  }

  std::string feature_branch(std::string x) {
    x = batch_norm("hc.1", gemm("hc.0", x));
    return batch_norm("hc.4", gemm("hc.3", x));
  }

  OnnxGraph& graph_;
  const model::HcCnnTnConfig& config_;
  const model::ModelDescription& description_;
  const OnnxOptions& options_;
  std::int64_t record_samples_;
  std::vector<std::int64_t> starts_;  // of the windows of a record, where the model sees crops
  std::map<std::string, Tensor> weights_;
};

void add_metadata(OnnxGraph& graph, const model::ModelDescription& d, const std::string& description,
                  const OnnxOptions& options) {
  graph.add_metadata("cardiograd", description);
  graph.add_metadata("classes", fmt::format("{}", fmt::join(d.class_names, ",")));
  graph.add_metadata("thresholds", fmt::format("{}", fmt::join(d.thresholds, ",")));
  graph.add_metadata("leads", fmt::format("{}", fmt::join(d.lead_names, ",")));
  if (const std::string warning = synthetic_warning(d); !warning.empty()) graph.add_metadata("warning", warning);
  graph.add_metadata("trained_precision", std::string(word_of(d.precision)));
  graph.add_metadata("rate_hz", fmt::format("{}", d.rate));
  graph.add_metadata("unit", d.unit);
  graph.add_metadata("filter", options.filter_inside ? "inside" : std::string(word_of(d.filter)));
  graph.add_metadata("normalize", std::string(word_of(d.normalize)));
  graph.add_metadata("features", fmt::format("{}", fmt::join(d.feature_scaling.names, ",")));
}

}  // namespace

onnx::ModelProto to_onnx(model::TrainedModel& trained, const std::string& description, const OnnxOptions& options) {
  const model::ModelDescription& d = trained.description;
  auto* net = dynamic_cast<model::HcCnnTn*>(trained.net.get());
  if (net == nullptr)
    throw Error(fmt::format("the model is '{}', and only hc_cnn_tn can be written as ONNX", d.architecture.kind().name),
                "Export a model that was trained with --model hc_cnn_tn.");
  if (options.filter_inside && (d.filter == model::Filter::kNone || d.normalize != data::Normalize::kNone))
    throw UsageError(
        fmt::format("--filter-inside: the model has filter '{}' and normalize '{}', expected a filter and no "
                    "normalization per record",
                    word_of(d.filter), word_of(d.normalize)),
        "Leave --filter-inside out and prepare the signals as the file's metadata say.");
  onnx::ModelProto proto;
  OnnxGraph graph(proto, "HC-CNN-TN");
  Exporter(graph, *net, d, options).run();
  add_metadata(graph, d, description, options);
  return proto;
}

}  // namespace cardiograd::apps
