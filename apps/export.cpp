// export: a trained model as an ONNX file, for onnxruntime and other programs.
#include <filesystem>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "apps/common/app.h"
#include "apps/export/onnx_export.h"
#include "apps/export/onnx_graph.h"
#include "base/error.h"
#include "engine/io/safetensors.h"
#include "model/model_file.h"

namespace cardiograd::apps {
namespace {

struct Options {
  std::string model;
  std::string out;
  bool filter_inside = false;
  bool force = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "last.safetensors or best.safetensors of a run")->required();
  app.add_option("--onnx", o.out, "the file to write")->required();
  app.add_flag("--filter-inside", o.filter_inside, "put the signals' filter into the graph, too");
  app.add_flag("--force", o.force, "overwrite a file that exists");
}

void write(const Options& o) {
  if (!o.force && std::filesystem::exists(o.out))
    throw Error(fmt::format("{}: exists already", o.out), "Name another file, or overwrite it with --force.");
  model::TrainedModel trained = model::load_model(o.model);
  const std::string description = read_safetensors(model::model_path(o.model)).metadata.at("cardiograd");
  const onnx::ModelProto proto = to_onnx(trained, description, {.filter_inside = o.filter_inside});
  write_onnx(o.out, proto);
  fmt::print("{}: operator set {}, {} nodes, inputs", o.out, kOnnxOpset, proto.graph().node_size());
  for (const auto& input : proto.graph().input()) {
    fmt::print(" {} (batch", input.name());
    for (int i = 1; i < input.type().tensor_type().shape().dim_size(); ++i)
      fmt::print(", {}", input.type().tensor_type().shape().dim(i).dim_value());
    fmt::print(")");
  }
  fmt::print("\n");
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Writes a trained model as ONNX, with standard operators.", "export");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::write(options); });
}
