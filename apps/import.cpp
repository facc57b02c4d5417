// import: weights from PyTorch (a state dict saved as safetensors) as a model that predict and the others take.
#include <string>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "apps/common/app.h"
#include "apps/common/outputs.h"
#include "base/log.h"
#include "base/text.h"
#include "model/model_file.h"
#include "model/state_dict.h"

namespace cardiograd::apps {
namespace {

struct Options {
  std::string weights, like, out;
  bool force = false;
};

void add_options(CLI::App& app, Options& o) {
  app.add_option("--weights", o.weights, "safetensors file of a state dict of bench/peers/hc_cnn_tn_torch.py")
      ->required();
  app.add_option("--like", o.like,
                 "model file or run folder whose sizes, classes, thresholds and scaling the weights were trained for")
      ->required();
  app.add_option("--out", o.out, "the model file to write")->required();
  app.add_flag("--force", o.force, "overwrite a file that exists");
}

void import(const Options& o) {
  check_outputs({{"--out", o.out}},
                {.files = {o.weights, model::model_path(o.like).string()}, .records = {}, .folder = {}},
                existing_files(o.force));
  model::TrainedModel model = model::load_model(o.like);
  model::read_state_dict(o.weights, *model.net);
  const model::SyntheticMark mark = model::synthetic_mark(o.weights);
  model.description.synthetic = model.description.synthetic || mark.trained;
  model.description.synthetic_start =
      !model.description.synthetic && (model.description.synthetic_start || mark.started);
  if (const std::string warning = synthetic_warning(model.description); !warning.empty())
    log_warning("{}: {}", o.out, warning);
  model::save_model(o.out, model.description, *model.net, existing_files(o.force));
  if (!is_quiet())
    fmt::print("{}: {} parameters from {}\n", printable(o.out), model.net->parameter_count(), printable(o.weights));
}

}  // namespace
}  // namespace cardiograd::apps

int main(int argc, char** argv) {
  CLI::App app("Takes weights from PyTorch.", "import");
  cardiograd::apps::Options options;
  cardiograd::apps::add_options(app, options);
  return cardiograd::apps::run(app, argc, argv, [&] { cardiograd::apps::import(options); });
}
