// export: a trained model as an ONNX file, for onnxruntime and other programs.
#include <optional>
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <onnx/onnx_pb.h>

#include "apps/common/app.h"
#include "apps/common/outputs.h"
#include "apps/export/onnx_export.h"
#include "apps/export/onnx_graph.h"
#include "base/error.h"
#include "base/log.h"
#include "base/precision_words.h"
#include "base/text.h"
#include "engine/io/safetensors.h"
#include "model/model_file.h"
#include "model/state_dict.h"

namespace cardiograd::apps {
namespace {

struct Options {
  std::string model;
  std::string out, state_dict;
  bool filter_inside = false;
  bool force = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--model", o.model, "last.safetensors or best.safetensors of a run")->required();
  app.add_option("--onnx", o.out, "ONNX file to write");
  app.add_option("--state-dict", o.state_dict,
                 "safetensors file to write that torch's load_state_dict() takes whole, for "
                 "bench/peers/hc_cnn_tn_torch.py; `import` brings it back");
  app.add_flag("--filter-inside", o.filter_inside, "put the signals' filter into the graph, too");
  app.add_flag("--force", o.force, "overwrite a file that exists");
}

// What the files do not say by themselves to whom only runs them.
void warn(const Options& o, const model::ModelDescription& model) {
  if (const std::string warning = synthetic_warning(model); !warning.empty()) log_warning("{}: {}", o.model, warning);
  if (!o.out.empty() && model.precision != Precision::kFp32)
    log_warning(
        "{}: trained with --precision {}, in which predict answers; the graph computes in float32, so probabilities "
        "differ, by .01 at most in the models tried",
        o.model, word_of(model.precision));
}

void write_onnx_file(const Options& o, model::TrainedModel& trained) {
  const std::string description = read_safetensors(model::model_path(o.model)).metadata.at("cardiograd");
  const onnx::ModelProto proto = to_onnx(trained, description, {.filter_inside = o.filter_inside});
  write_onnx(o.out, proto, existing_files(o.force));
  if (is_quiet()) return;
  fmt::print("{}: operator set {}, {} nodes, inputs", printable(o.out), kOnnxOpset, proto.graph().node_size());
  for (const auto& input : proto.graph().input()) {
    fmt::print(" {} (batch", input.name());
    for (int i = 1; i < input.type().tensor_type().shape().dim_size(); ++i)
      fmt::print(", {}", input.type().tensor_type().shape().dim(i).dim_value());
    fmt::print(")");
  }
  fmt::print("\n");
}

void write(const Options& o) {
  if (o.out.empty() && o.state_dict.empty())
    throw UsageError("nothing to write", "Give --onnx FILE, --state-dict FILE, or both.");
  const auto given = [](const std::string& file) { return file.empty() ? std::nullopt : std::optional(file); };
  check_outputs({{"--onnx", given(o.out)}, {"--state-dict", given(o.state_dict)}},
                {.files = {model::model_path(o.model).string()}, .records = {}, .folder = {}}, existing_files(o.force));
  model::TrainedModel trained = model::load_model(o.model);
  if (!o.out.empty()) write_onnx_file(o, trained);
  warn(o, trained.description);
  if (o.state_dict.empty()) return;
  model::write_state_dict(o.state_dict, *trained.net, existing_files(o.force),
                          {.trained = trained.description.synthetic, .started = trained.description.synthetic_start});
  if (!is_quiet()) fmt::print("{}: {} parameters\n", printable(o.state_dict), trained.net->parameter_count());
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Writes a trained model as ONNX, with standard operators.", "export");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::write(options); });
}
