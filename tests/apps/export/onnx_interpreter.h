// Runs an ONNX graph in double precision, by the definitions of its operators and nothing else: what an exported model
// is held against. Knows the operators that export writes; throws std::runtime_error for others.
//   https://onnx.ai/onnx/operators/
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace onnx {
class ModelProto;
}

namespace cardiograd::apps {

struct Array {
  std::vector<std::int64_t> dims;
  std::vector<double> values;  // row-major
};

// All values of the graph by name, from those of its inputs.
std::map<std::string, Array> run_onnx(const onnx::ModelProto& model, std::map<std::string, Array> values);

}  // namespace cardiograd::apps
