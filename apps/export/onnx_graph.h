// An ONNX graph under construction: named tensors in, one node after the other, the name of the result out. The file
// format is that of libonnx.
//   https://onnx.ai/onnx/intro/concepts.html
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/file.h"
#include "engine/tensor.h"

namespace onnx {
class ModelProto;
}

namespace cardiograd::apps {

// The version of the standard operators: the first with LayerNormalization.
inline constexpr std::int64_t kOnnxOpset = 17;
inline constexpr std::int64_t kOnnxIrVersion = 8;

class OnnxGraph {
 public:
  using Value = std::variant<std::int64_t, float, std::vector<std::int64_t>>;
  using Attributes = std::vector<std::pair<std::string, Value>>;

  // Builds into `model`, which must live as long as this.
  OnnxGraph(onnx::ModelProto& model, const std::string& name);

  // float32 (batch, dims...), the batch of any size.
  void add_input(const std::string& name, const std::vector<std::int64_t>& dims);
  // float32 (batch, dims...): a value of this name, which a node makes.
  void add_output(const std::string& name, const std::vector<std::int64_t>& dims);

  // A constant: a weight of the model, or a number that an operator needs as a tensor. Returns its name. Throws Error
  // for a tensor that is not float32 on the CPU.
  std::string constant(const std::string& name, const Tensor& tensor);
  std::string constant(const std::string& name, const std::vector<float>& values,
                       const std::vector<std::int64_t>& dims);
  std::string constant(const std::string& name, const std::vector<std::int64_t>& values);

  // A node with one output, which gets the node's name. Returns it.
  std::string node(const std::string& name, std::string_view op, const std::vector<std::string>& inputs,
                   const Attributes& attributes = {});
  // A node that cuts its input into equal parts along `axis`. Returns their names, "<name>.0" and so on.
  std::vector<std::string> split(const std::string& name, const std::string& input, std::int64_t axis,
                                 std::int64_t parts);

  // A text beside the graph.
  void add_metadata(const std::string& key, const std::string& value);

 private:
  onnx::ModelProto& model_;
};

// Writes `model` as a file after ONNX's own checker has accepted it. Throws Error with the checker's words where it
// does not (a mistake of ours), and what write_file() throws.
void write_onnx(const std::filesystem::path& path, const onnx::ModelProto& model,
                Existing existing = Existing::kReplace);

}  // namespace cardiograd::apps
