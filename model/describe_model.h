// What is known about a model before it is trained, from a run's configuration and its data.
#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.h"
#include "model/model_file.h"
#include "model/training_config.h"

namespace cardiograd::model {

// Every fold of the data but those for validation and test, in order.
std::vector<std::int64_t> training_folds(const data::Dataset& set, const DataConfig& config);

// Without scalings, features and what training finds. Throws Error for names and units that a model file cannot
// hold, leads that are the same, and crops that are longer than the records.
ModelDescription describe_model(const TrainingConfig& config, const data::Dataset& set);

}  // namespace cardiograd::model
