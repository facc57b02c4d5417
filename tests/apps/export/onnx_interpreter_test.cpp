#include "tests/apps/export/onnx_interpreter.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

namespace cardiograd::apps {
namespace {

using Dims = std::vector<std::int64_t>;
using Function = std::function<double(double, double)>;

std::int64_t count_of(const Dims& dims) {
  return std::accumulate(dims.begin(), dims.end(), std::int64_t{1}, std::multiplies<>());
}
double& at(Array& array, std::int64_t index) {
  return array.values[static_cast<std::size_t>(index)];
}
double at(const Array& array, std::int64_t index) {
  return array.values[static_cast<std::size_t>(index)];
}
Array zeros(const Dims& dims) {
  return {dims, std::vector<double>(static_cast<std::size_t>(count_of(dims)))};
}

// A node with its inputs and attributes at hand.
struct Call {
  const onnx::NodeProto& node;
  std::vector<const Array*> in;

  const onnx::AttributeProto* find(const std::string& name) const {
    for (const auto& attribute : node.attribute())
      if (attribute.name() == name) return &attribute;
    return nullptr;
  }
  std::int64_t integer(const std::string& name, std::int64_t otherwise) const {
    const auto* found = find(name);
    return found == nullptr ? otherwise : found->i();
  }
  double real(const std::string& name) const { return static_cast<double>(find(name)->f()); }
  Dims integers(const std::string& name) const {
    const auto& found = find(name)->ints();
    return {found.begin(), found.end()};
  }
};

// The value of `array` at the place `index` of an array of `dims` that it is broadcast to.
double broadcast_at(const Array& array, const Dims& dims, std::int64_t index) {
  std::int64_t place = 0;
  std::int64_t stride = 1;
  for (std::size_t back = 1; back <= dims.size(); ++back) {
    const std::int64_t size = dims[dims.size() - back];
    const std::int64_t coordinate = index % size;
    index /= size;
    if (back > array.dims.size()) continue;
    const std::int64_t own = array.dims[array.dims.size() - back];
    if (own != 1) place += coordinate * stride;
    stride *= own;
  }
  return at(array, place);
}

Dims broadcast_dims(const Dims& a, const Dims& b) {
  Dims dims(std::max(a.size(), b.size()), 1);
  for (std::size_t back = 1; back <= dims.size(); ++back) {
    const std::int64_t x = back <= a.size() ? a[a.size() - back] : 1;
    const std::int64_t y = back <= b.size() ? b[b.size() - back] : 1;
    if (x != y && x != 1 && y != 1) throw std::runtime_error("dimensions that cannot be broadcast");
    dims[dims.size() - back] = std::max(x, y);
  }
  return dims;
}

Array elementwise(const Array& a, const Array& b, const Function& f) {
  Array y = zeros(broadcast_dims(a.dims, b.dims));
  for (std::int64_t i = 0; i < count_of(y.dims); ++i)
    at(y, i) = f(broadcast_at(a, y.dims, i), broadcast_at(b, y.dims, i));
  return y;
}

Array each(const Array& x, const std::function<double(double)>& f) {
  Array y = x;
  for (double& value : y.values) value = f(value);
  return y;
}

Array matmul(const Array& a, const Array& b) {
  const std::int64_t rows = a.dims[a.dims.size() - 2];
  const std::int64_t depth = a.dims.back();
  const std::int64_t columns = b.dims.back();
  if (b.dims[b.dims.size() - 2] != depth) throw std::runtime_error("MatMul of sizes that do not fit");
  const bool batched = b.dims.size() > 2;
  Dims dims = a.dims;
  dims.back() = columns;
  Array y = zeros(dims);
  for (std::int64_t n = 0; n < count_of(a.dims) / (rows * depth); ++n)
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j)
        for (std::int64_t k = 0; k < depth; ++k)
          at(y, (n * rows + i) * columns + j) +=
              at(a, (n * rows + i) * depth + k) * at(b, ((batched ? n : 0) * depth + k) * columns + j);
  return y;
}

Array transpose(const Array& x, const Dims& order) {
  Array y = zeros({});
  for (const std::int64_t axis : order) y.dims.push_back(x.dims[static_cast<std::size_t>(axis)]);
  y.values.resize(x.values.size());
  for (std::int64_t i = 0; i < count_of(y.dims); ++i) {
    Dims place(order.size());
    std::int64_t rest = i;
    for (std::size_t d = order.size(); d-- > 0;) {
      place[static_cast<std::size_t>(order[d])] = rest % y.dims[d];
      rest /= y.dims[d];
    }
    std::int64_t from = 0;
    for (std::size_t d = 0; d < x.dims.size(); ++d) from = from * x.dims[d] + place[d];
    at(y, i) = at(x, from);
  }
  return y;
}

// (N, Cin, T) with w (Cout, Cin, K), padded evenly, stride 1.
Array conv(const Call& call) {
  const Array &x = *call.in[0], &w = *call.in[1], &b = *call.in[2];
  const std::int64_t padding = call.integers("pads")[0];
  const std::int64_t time = x.dims[2];
  Array y = zeros({x.dims[0], w.dims[0], time + 2 * padding - w.dims[2] + 1});
  for (std::int64_t n = 0; n < y.dims[0]; ++n)
    for (std::int64_t o = 0; o < y.dims[1]; ++o)
      for (std::int64_t t = 0; t < y.dims[2]; ++t) {
        double sum = at(b, o);
        for (std::int64_t c = 0; c < x.dims[1]; ++c)
          for (std::int64_t k = 0; k < w.dims[2]; ++k)
            if (const std::int64_t from = t + k - padding; from >= 0 && from < time)
              sum += at(x, (n * x.dims[1] + c) * time + from) * at(w, (o * w.dims[1] + c) * w.dims[2] + k);
        at(y, (n * y.dims[1] + o) * y.dims[2] + t) = sum;
      }
  return y;
}

Array batch_norm(const Call& call) {
  Array y = *call.in[0];
  const std::int64_t inner = y.dims.size() > 2 ? y.dims[2] : 1;
  for (std::int64_t i = 0; i < count_of(y.dims); ++i) {
    const std::int64_t c = i / inner % y.dims[1];
    at(y, i) =
        (at(y, i) - at(*call.in[3], c)) / std::sqrt(at(*call.in[4], c) + call.real("epsilon")) * at(*call.in[1], c) +
        at(*call.in[2], c);
  }
  return y;
}

Array max_pool(const Call& call) {
  const Array& x = *call.in[0];
  const std::int64_t kernel = call.integers("kernel_shape")[0];
  const std::int64_t stride = call.integers("strides")[0];
  Array y = zeros({x.dims[0], x.dims[1], (x.dims[2] - kernel) / stride + 1});
  for (std::int64_t row = 0; row < y.dims[0] * y.dims[1]; ++row)
    for (std::int64_t t = 0; t < y.dims[2]; ++t) {
      double largest = -std::numeric_limits<double>::infinity();
      for (std::int64_t k = 0; k < kernel; ++k) largest = std::max(largest, at(x, row * x.dims[2] + t * stride + k));
      at(y, row * y.dims[2] + t) = largest;
    }
  return y;
}

// Softmax or LayerNormalization over the last axis.
Array over_rows(const Call& call) {
  Array y = *call.in[0];
  const std::int64_t width = y.dims.back();
  for (std::int64_t row = 0; row < count_of(y.dims) / width; ++row) {
    double* values = &at(y, row * width);
    if (call.node.op_type() == "Softmax") {
      const double largest = *std::max_element(values, values + width);
      double sum = 0;
      for (std::int64_t i = 0; i < width; ++i) sum += values[i] = std::exp(values[i] - largest);
      for (std::int64_t i = 0; i < width; ++i) values[i] /= sum;
      continue;
    }
    const double mean = std::accumulate(values, values + width, 0.0) / static_cast<double>(width);
    double squares = 0;
    for (std::int64_t i = 0; i < width; ++i) squares += (values[i] - mean) * (values[i] - mean);
    const double sd = std::sqrt(squares / static_cast<double>(width) + call.real("epsilon"));
    for (std::int64_t i = 0; i < width; ++i)
      values[i] = (values[i] - mean) / sd * at(*call.in[1], i) + at(*call.in[2], i);
  }
  return y;
}

// The mean over axis 1 of three, which goes.
Array mean_over_time(const Array& x) {
  Array y = zeros({x.dims[0], x.dims[2]});
  for (std::int64_t i = 0; i < count_of(x.dims); ++i)
    at(y, i / (x.dims[1] * x.dims[2]) * x.dims[2] + i % x.dims[2]) += at(x, i) / static_cast<double>(x.dims[1]);
  return y;
}

Array max_over_time(const Array& x) {
  Array y = zeros({x.dims[0], x.dims[2]});
  for (std::int64_t i = 0; i < count_of(x.dims); ++i) {
    double& highest = at(y, i / (x.dims[1] * x.dims[2]) * x.dims[2] + i % x.dims[2]);
    const bool first = i / x.dims[2] % x.dims[1] == 0;
    highest = first ? at(x, i) : std::max(highest, at(x, i));
  }
  return y;
}

Array concat(const Array& a, const Array& b) {
  Array y = zeros({a.dims[0], a.dims[1] + b.dims[1]});
  for (std::int64_t i = 0; i < count_of(y.dims); ++i) {
    const std::int64_t row = i / y.dims[1];
    const std::int64_t column = i % y.dims[1];
    at(y, i) = column < a.dims[1] ? at(a, row * a.dims[1] + column) : at(b, row * b.dims[1] + column - a.dims[1]);
  }
  return y;
}

Array reshape(const Array& x, const Array& shape) {
  Array y = x;
  y.dims.clear();
  for (std::size_t d = 0; d < shape.values.size(); ++d)
    y.dims.push_back(shape.values[d] == 0 ? x.dims[d] : static_cast<std::int64_t>(shape.values[d]));
  for (std::int64_t& dim : y.dims)
    if (dim == -1) {
      dim = 1;
      dim = count_of(x.dims) / count_of(y.dims);
    }
  if (count_of(y.dims) != count_of(x.dims)) throw std::runtime_error("Reshape changes the number of values");
  return y;
}

// Values of the last of three axes, by their places.
Array gather(const Array& x, const Array& places) {
  Array y = zeros({x.dims[0], x.dims[1], places.dims[0]});
  for (std::int64_t i = 0; i < count_of(y.dims); ++i)
    at(y, i) = at(x, i / places.dims[0] * x.dims[2] + static_cast<std::int64_t>(at(places, i % places.dims[0])));
  return y;
}

Array expand(const Array& x, const Array& shape) {
  const Array there = zeros({shape.values.begin(), shape.values.end()});
  return elementwise(x, there, [](double value, double) { return value; });
}

Array gemm(const Call& call) {
  const Array& w = *call.in[1];
  return elementwise(matmul(*call.in[0], call.integer("transB", 0) != 0 ? transpose(w, {1, 0}) : w), *call.in[2],
                     [](double a, double b) { return a + b; });
}

Array where(const Call& call) {
  Array y = *call.in[2];
  for (std::int64_t i = 0; i < count_of(y.dims); ++i)
    if (broadcast_at(*call.in[0], y.dims, i) != 0) at(y, i) = broadcast_at(*call.in[1], y.dims, i);
  return y;
}

const std::map<std::string, std::function<Array(const Call&)>>& operators() {
  const auto binary = [](auto f) { return [f](const Call& c) { return elementwise(*c.in[0], *c.in[1], f); }; };
  const auto unary = [](auto f) { return [f](const Call& c) { return each(*c.in[0], f); }; };
  static const std::map<std::string, std::function<Array(const Call&)>> table = {
      {"Add", binary([](double a, double b) { return a + b; })},
      {"Sub", binary([](double a, double b) { return a - b; })},
      {"Mul", binary([](double a, double b) { return a * b; })},
      {"Div", binary([](double a, double b) { return a / b; })},
      {"Or", binary([](double a, double b) { return a != 0 || b != 0 ? 1.0 : 0.0; })},
      {"Relu", unary([](double x) { return std::max(x, 0.0); })},
      {"Sigmoid", unary([](double x) { return 1 / (1 + std::exp(-x)); })},
      {"IsNaN", unary([](double x) { return std::isnan(x) ? 1.0 : 0.0; })},
      {"IsInf", unary([](double x) { return std::isinf(x) ? 1.0 : 0.0; })},
      {"Neg", unary([](double x) { return -x; })},
      {"Log", unary([](double x) { return std::log(x); })},
      {"Cast", unary([](double x) { return x; })},
      {"Clip",
       [](const Call& c) {
         return each(*c.in[0], [&](double x) { return std::clamp(x, at(*c.in[1], 0), at(*c.in[2], 0)); });
       }},
      {"MatMul", [](const Call& c) { return matmul(*c.in[0], *c.in[1]); }},
      {"Transpose", [](const Call& c) { return transpose(*c.in[0], c.integers("perm")); }},
      {"Reshape", [](const Call& c) { return reshape(*c.in[0], *c.in[1]); }},
      {"Gather", [](const Call& c) { return gather(*c.in[0], *c.in[1]); }},
      {"Expand", [](const Call& c) { return expand(*c.in[0], *c.in[1]); }},
      {"Concat", [](const Call& c) { return concat(*c.in[0], *c.in[1]); }},
      {"ReduceMean", [](const Call& c) { return mean_over_time(*c.in[0]); }},
      {"ReduceMax", [](const Call& c) { return max_over_time(*c.in[0]); }},
      {"Conv", conv},
      {"BatchNormalization", batch_norm},
      {"MaxPool", max_pool},
      {"Softmax", over_rows},
      {"LayerNormalization", over_rows},
      {"Gemm", gemm},
      {"Where", where}};
  return table;
}

// Equal parts of the last of three axes.
void split(const Call& call, std::map<std::string, Array>& values) {
  const Array& x = *call.in[0];
  const std::int64_t parts = call.node.output_size();
  const std::int64_t width = x.dims.back() / parts;
  for (std::int64_t part = 0; part < parts; ++part) {
    Array y = zeros({x.dims[0], x.dims[1], width});
    for (std::int64_t i = 0; i < count_of(y.dims); ++i)
      at(y, i) = at(x, i / width * x.dims.back() + part * width + i % width);
    values[call.node.output(static_cast<int>(part))] = y;
  }
}

Array initializer(const onnx::TensorProto& tensor) {
  Array array = zeros({tensor.dims().begin(), tensor.dims().end()});
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    if (tensor.data_type() == onnx::TensorProto::INT64) {
      std::int64_t value = 0;
      std::memcpy(&value, tensor.raw_data().data() + i * sizeof value, sizeof value);
      array.values[i] = static_cast<double>(value);
    } else {
      float value = 0;
      std::memcpy(&value, tensor.raw_data().data() + i * sizeof value, sizeof value);
      array.values[i] = static_cast<double>(value);
    }
  }
  return array;
}

}  // namespace

std::map<std::string, Array> run_onnx(const onnx::ModelProto& model, std::map<std::string, Array> values) {
  for (const auto& tensor : model.graph().initializer()) values[tensor.name()] = initializer(tensor);
  for (const auto& node : model.graph().node()) {
    Call call{node, {}};
    for (const auto& input : node.input()) call.in.push_back(&values.at(input));
    if (node.op_type() == "Split") {
      split(call, values);
      continue;
    }
    const auto found = operators().find(node.op_type());
    if (found == operators().end()) throw std::runtime_error("unknown operator " + node.op_type());
    values[node.output(0)] = found->second(call);
  }
  return values;
}

namespace {

TEST(OnnxInterpreter, BroadcastsFromTheLastDimension) {
  const Array a = {{2, 2}, {1, 2, 3, 4}};
  EXPECT_EQ(elementwise(a, {{2}, {10, 20}}, std::plus<>()).values, (std::vector<double>{11, 22, 13, 24}));
  EXPECT_EQ(elementwise(a, {{2, 1}, {10, 20}}, std::plus<>()).values, (std::vector<double>{11, 12, 23, 24}));
}

TEST(OnnxInterpreter, MultipliesAndTransposesMatrices) {
  const Array a = {{1, 2, 3}, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(matmul(a, {{3, 1}, {1, 0, 2}}).values, (std::vector<double>{7, 16}));
  EXPECT_EQ(transpose(a, {2, 1, 0}).dims, (Dims{3, 2, 1}));
  EXPECT_EQ(transpose(a, {0, 2, 1}).values, (std::vector<double>{1, 4, 2, 5, 3, 6}));
}

TEST(OnnxInterpreter, TakesRepeatsAndReshapesValues) {
  const Array a = {{1, 2, 3}, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(gather(a, {{4}, {0, 1, 1, 2}}).values, (std::vector<double>{1, 2, 2, 3, 4, 5, 5, 6}));
  EXPECT_EQ(expand({{2, 1, 1}, {7, 8}}, {{3}, {1, 2, 1}}).values, (std::vector<double>{7, 7, 8, 8}));
  EXPECT_EQ(reshape(a, {{2}, {-1, 2}}).dims, (Dims{3, 2}));
}

}  // namespace
}  // namespace cardiograd::apps
