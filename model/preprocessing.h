// From a run's data configuration to a prepared dataset: which filter, which features, which normalization.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "data/dataset.h"
#include "data/prepare.h"
#include "model/data_loader.h"
#include "model/model_file.h"
#include "model/scaling.h"
#include "model/training_config.h"

namespace cardiograd::model {

// How data are read, beside what decides the result.
struct PrepareOptions {
  bool use_cache = true;
  std::optional<std::filesystem::path> cache_folder;
  bool as_trained = false;  // the configuration is a model's: no hint offers other classes, leads or lengths
  std::function<void(std::int64_t done, std::int64_t total)> progress;
};

// What is done to each recording, by what a data configuration and a model file say of the filter, the normalization
// and the features.
data::RecordingSettings recording_settings(Filter filter, data::Normalize normalize, FeatureSet features);

// The data as a model was trained on them; the folder and the folds are not known to the model.
DataConfig data_config_of(const ModelDescription& model);

// Throws what data::prepare, or with a table of one's own labels data::prepare_labeled, throws. `config.classes` and
// `leads` say nothing about PTB-XL.
data::Dataset prepare_data(const DataConfig& config, const PrepareOptions& options = {});

// A dataset as a DataLoader takes it, with features as the model needs them. The signals are moved out of `set`, which
// keeps everything else. Throws what scaled_features throws.
RecordArrays take_arrays(data::Dataset& set, const FeatureScaling& scaling, const Crops& crops = {});

// Throws Error, saying what differs and what to do, when a model cannot judge these signals: another unit, rate,
// length, lead set or class list.
void check_fits(const ModelDescription& model, const data::Dataset& set);

}  // namespace cardiograd::model
