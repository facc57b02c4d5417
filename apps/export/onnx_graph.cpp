#include "apps/export/onnx_graph.h"

#include <fmt/format.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include "base/error.h"
#include "base/file.h"

namespace cardiograd::apps {
namespace {

// The dimension that every input and output begins with.
constexpr const char* kBatch = "batch";

void describe(onnx::ValueInfoProto& info, const std::string& name, const std::vector<std::int64_t>& dims) {
  info.set_name(name);
  auto& type = *info.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param(kBatch);
  for (const std::int64_t dim : dims) type.mutable_shape()->add_dim()->set_dim_value(dim);
}

void set_value(onnx::AttributeProto& attribute, const OnnxGraph::Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    attribute.set_type(onnx::AttributeProto::INT);
    attribute.set_i(*integer);
  } else if (const auto* real = std::get_if<float>(&value)) {
    attribute.set_type(onnx::AttributeProto::FLOAT);
    attribute.set_f(*real);
  } else {
    attribute.set_type(onnx::AttributeProto::INTS);
    for (const std::int64_t item : std::get<std::vector<std::int64_t>>(value)) attribute.add_ints(item);
  }
}

}  // namespace

OnnxGraph::OnnxGraph(onnx::ModelProto& model, const std::string& name) : model_(model) {
  model.set_ir_version(kOnnxIrVersion);
  model.set_producer_name("cardiograd");
  auto& opset = *model.add_opset_import();
  opset.set_domain("");
  opset.set_version(kOnnxOpset);
  model.mutable_graph()->set_name(name);
}

void OnnxGraph::add_input(const std::string& name, const std::vector<std::int64_t>& dims) {
  describe(*model_.mutable_graph()->add_input(), name, dims);
}

void OnnxGraph::add_output(const std::string& name, const std::vector<std::int64_t>& dims) {
  describe(*model_.mutable_graph()->add_output(), name, dims);
}

std::string OnnxGraph::constant(const std::string& name, const Tensor& tensor) {
  if (tensor.dtype() != DType::kFloat32 || tensor.device() != Device::kCpu)
    throw Error(fmt::format("the tensor '{}' is not float32 on the CPU", name), "Move the model to the CPU first.");
  const float* data = tensor.data();
  std::vector<std::int64_t> dims;
  for (int i = 0; i < tensor.shape().dims(); ++i) dims.push_back(tensor.dim(i));
  return constant(name, std::vector<float>(data, data + tensor.count()), dims);
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<float>& values,
                                const std::vector<std::int64_t>& dims) {
  auto& tensor = *model_.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const std::int64_t dim : dims) tensor.add_dims(dim);
  // Raw data are little-endian, as every processor that this is built for.
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
  return name;
}

std::string OnnxGraph::constant(const std::string& name, const std::vector<std::int64_t>& values) {
  auto& tensor = *model_.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<std::int64_t>(values.size()));
  tensor.set_raw_data(values.data(), values.size() * sizeof(std::int64_t));
  return name;
}

std::string OnnxGraph::node(const std::string& name, std::string_view op, const std::vector<std::string>& inputs,
                            const Attributes& attributes) {
  auto& node = *model_.mutable_graph()->add_node();
  node.set_name(name);
  node.set_op_type(std::string(op));
  for (const std::string& input : inputs) node.add_input(input);
  node.add_output(name);
  for (const auto& [key, value] : attributes) {
    auto& attribute = *node.add_attribute();
    attribute.set_name(key);
    set_value(attribute, value);
  }
  return name;
}

std::vector<std::string> OnnxGraph::split(const std::string& name, const std::string& input, std::int64_t axis,
                                          std::int64_t parts) {
  node(name, "Split", {input}, {{"axis", axis}});
  auto& made = *model_.mutable_graph()->mutable_node(model_.graph().node_size() - 1);
  made.clear_output();
  std::vector<std::string> names;
  for (std::int64_t part = 0; part < parts; ++part) {
    names.push_back(fmt::format("{}.{}", name, part));
    made.add_output(names.back());
  }
  return names;
}

void OnnxGraph::add_metadata(const std::string& key, const std::string& value) {
  auto& entry = *model_.add_metadata_props();
  entry.set_key(key);
  entry.set_value(value);
}

void write_onnx(const std::filesystem::path& path, const onnx::ModelProto& model, Existing existing) {
  try {
    onnx::checker::check_model(model);
  } catch (const std::exception& error) {
    throw Error(fmt::format("{}: ONNX's checker refuses the graph: {}", path.string(), error.what()),
                "This is a mistake of this program; please report it with the model file.");
  }
  write_file(path, model.SerializeAsString(), existing);
}

}  // namespace cardiograd::apps
