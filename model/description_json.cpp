#include "model/description_json.h"

#include <type_traits>

#include <nlohmann/json.hpp>

namespace cardiograd::model {
namespace {

using nlohmann::json;

json architecture_json(Architecture architecture) {
  json j = json::object();
  for (const ConfigField& field : architecture.fields())
    std::visit(
        [&](const auto& value) {
          if constexpr (std::is_pointer_v<std::decay_t<decltype(value)>>)
            j[field.key] = *value;
          else
            j[field.key] = value.word();
        },
        field.value);
  return j;
}

}  // namespace

json description_json(const ModelDescription& d) {
  json j = {{"format_version", kModelFormat},
            {"model", d.architecture.kind().name},
            {"architecture", architecture_json(d.architecture)},
            {"task", word_of(d.task)},
            {"classes", d.class_names},
            {"thresholds", d.thresholds},
            {"leads", d.lead_names},
            {"rate_hz", d.rate},
            {"unit", d.unit},
            {"filter", word_of(d.filter)},
            {"normalize", word_of(d.normalize)},
            {"unlabeled", word_of(d.unlabeled)},
            {"feature_set", word_of(d.feature_set)},
            {"precision", word_of(d.precision)},
            {"signal_mean", d.signal_scaling.mean},
            {"signal_sd", d.signal_scaling.sd},
            {"features", d.feature_scaling.names},
            {"feature_median", d.feature_scaling.median},
            {"feature_mean", d.feature_scaling.mean},
            {"feature_sd", d.feature_scaling.sd},
            {"feature_missing_flags", d.feature_scaling.missing_flags},
            {"epoch", d.epoch},
            {"val_folds", d.val_folds},
            {"train_folds", d.train_folds},
            {"data_hash", d.data_hash}};
  if (d.fold_seed != 0) j["fold_seed"] = d.fold_seed;
  if (d.synthetic) j["synthetic"] = true;
  if (d.synthetic_start) j["synthetic_start"] = true;
  if (!d.calibration_folds.empty()) {
    j["calibration_folds"] = d.calibration_folds;
    j["calibration_hash"] = d.calibration_hash;
  }
  if (d.processes > 1) {
    j["processes"] = d.processes;
    j["batch_norm"] = word_of(d.batch_norm);
  }
  if (d.cropped_from != 0) {
    j["cropped_from"] = d.cropped_from;
    j["aggregate"] = word_of(d.aggregate);
    if (d.window_step != 0) j["window_step"] = d.window_step;
  }
  return j;
}

}  // namespace cardiograd::model
