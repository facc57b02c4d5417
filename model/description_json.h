// What a model file says about its model, beside the weights.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "model/model_file.h"

namespace cardiograd::model {

inline constexpr int kModelFormat = 2;

// The object under the key "cardiograd" of the file's metadata: kind, sizes, classes, thresholds, leads, rate (Hz),
// unit, filter, scaling, and the folds and records that it was trained on.
nlohmann::json description_json(const ModelDescription& d);

}  // namespace cardiograd::model
