#include "model/registry.h"

#include <algorithm>
#include <deque>
#include <stdexcept>

#include <fmt/format.h>

namespace cardiograd::model {

// One line per model, and one in the list below; the first is the default.
ModelKind hc_cnn_tn_kind();
ModelKind fcn_wang_kind();
ModelKind resnet1d_wang_kind();
ModelKind inception1d_kind();
ModelKind xresnet1d101_kind();
ModelKind lstm_kind();
ModelKind lstm_bidir_kind();
ModelKind s4_kind();
ModelKind mrf_cnn_standin_kind();
ModelKind cnn_bilstm_standin_kind();
ModelKind resnet34_standin_kind();
ModelKind xecgnet_standin_kind();
ModelKind cnn_entropy_standin_kind();
ModelKind multibranch_cnn_standin_kind();

namespace {

// A deque: its elements stay where they are.
std::deque<ModelKind>& registry() {
  static std::deque<ModelKind> kinds = {hc_cnn_tn_kind(),           fcn_wang_kind(),
                                        resnet1d_wang_kind(),       inception1d_kind(),
                                        xresnet1d101_kind(),        lstm_kind(),
                                        lstm_bidir_kind(),          s4_kind(),
                                        mrf_cnn_standin_kind(),     cnn_bilstm_standin_kind(),
                                        resnet34_standin_kind(),    xecgnet_standin_kind(),
                                        cnn_entropy_standin_kind(), multibranch_cnn_standin_kind()};
  return kinds;
}

const ModelKind* find(std::string_view name) {
  const auto& kinds = registry();
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const ModelKind& kind) { return kind.name == name; });
  return found == kinds.end() ? nullptr : &*found;
}

}  // namespace

std::vector<const ModelKind*> known_models() {
  std::vector<const ModelKind*> all;
  for (const ModelKind& kind : registry()) all.push_back(&kind);
  return all;
}

void register_model(ModelKind kind) {
  if (find(kind.name) != nullptr) throw std::logic_error(fmt::format("a model '{}' is registered already", kind.name));
  registry().push_back(std::move(kind));
}

const ModelKind& model_named(std::string_view name) {
  if (const ModelKind* kind = find(name)) return *kind;
  std::vector<std::string> known;
  for (const ModelKind& kind : registry()) known.push_back(kind.name);
  refuse_word("model", name, known);
}

std::vector<ConfigField> data_shape_fields(std::int64_t& classes, std::int64_t& features, std::int64_t& leads,
                                           std::int64_t& samples) {
  const auto field = [](const char* key, std::int64_t& value, const char* help, double min, double max) {
    return ConfigField{.section = "model",
                       .key = key,
                       .value = &value,
                       .help = help,
                       .range = {.min = min, .max = max},
                       .from_data = true};
  };
  return {field("classes", classes, "outputs", 1, 1e6),
          field("features", features, "inputs of the feature branch; 0: none", 0, 1e6),
          field("leads", leads, "leads of a record", 1, 1e4),
          field("samples", samples, "samples of a record per lead", 1, kMaxSamples)};
}

Architecture::Architecture() : kind_(known_models().front()), config_(kind_->defaults) {}

Architecture::Architecture(std::string_view model) : kind_(&model_named(model)), config_(kind_->defaults) {}

Architecture::Architecture(const std::type_info& type, std::any config) : config_(std::move(config)) {
  const auto& kinds = registry();
  const auto found =
      std::find_if(kinds.begin(), kinds.end(), [&](const ModelKind& kind) { return kind.defaults.type() == type; });
  if (found == kinds.end()) throw std::logic_error("this configuration belongs to no registered model");
  kind_ = &*found;
}

}  // namespace cardiograd::model
