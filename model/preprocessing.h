// From a run's data configuration to a prepared data set: which filter, which features, which normalization.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "data/dataset.h"
#include "data/prepare.h"
#include "model/model_file.h"
#include "model/training_config.h"

namespace cardiograd::model {

// How data are read, beside what decides the result.
struct PrepareOptions {
  bool use_cache = true;
  std::optional<std::filesystem::path> cache_folder;
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

// The filter, the normalization and the features that `config` asks for, with nothing of `PrepareOptions`.
data::PrepareSettings prepare_settings(const DataConfig& config);

// Throws what data::prepare throws.
data::Dataset prepare_data(const DataConfig& config, const PrepareOptions& options = {});

// Throws Error, saying what differs and what to do, when a model cannot judge these signals: another unit, rate,
// length, lead set or class list.
void check_fits(const ModelDescription& model, const data::Dataset& set);

}  // namespace cardiograd::model
