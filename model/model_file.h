// A trained model as one safetensors file: PyTorch's weight names and shapes, and with them everything that is needed
// to use the weights on a new recording: the metadata "cardiograd", a JSON object. Its keys "model" (a name of the
// registry) and "architecture" (the sizes, under the keys of the model's field list) say which model it is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "model/crops.h"
#include "model/registry.h"
#include "model/scaling.h"
#include "model/training_config.h"

namespace cardiograd::model {

struct ModelDescription {
  Architecture architecture;
  data::Task task = data::Task::kSuper;
  std::vector<std::string> class_names;
  std::vector<float> thresholds;        // per class: positive when the probability is greater
  std::vector<std::string> lead_names;  // order of the input's channels
  double rate = 0;                      // Hz
  std::string unit;                     // of the signals before scaling: mV, or z
  Filter filter = Filter::kButterworth;
  data::Normalize normalize = data::Normalize::kNone;
  data::Unlabeled unlabeled = data::Unlabeled::kDrop;  // in training
  FeatureSet feature_set = FeatureSet::kAll;
  Precision precision = Precision::kFp32;           // of the matrix products, in training and after
  std::int64_t cropped_from = 0;                    // samples of the records that crops come from; 0: whole records
  Aggregate aggregate = Aggregate::kMax;            // of the crops
  std::int64_t window_step = 0;                     // between them; 0: half a crop
  std::int64_t processes = 1;                       // that trained it together, at its last epoch
  BatchNorm batch_norm = BatchNorm::kSynchronized;  // of more than one: over what its statistics were taken
  SignalScaling signal_scaling;
  FeatureScaling feature_scaling;
  std::int64_t epoch = 0;                 // epochs trained
  std::vector<std::int64_t> val_folds;    // the thresholds and the choice of the epoch come from here
  std::vector<std::int64_t> train_folds;  // the weights come from here; empty in files of earlier versions
  std::int64_t fold_seed = 0;             // of folds that were drawn (data/label_table.h)
  bool synthetic = false;                 // trained on synthetic ECGs
  bool synthetic_start = false;           // trained on others, but began with the weights of a model that was
  std::string data_hash;                  // of ecg_ids and folds of the data set; likewise
  // Where probabilities and thresholds were calibrated (model/calibration.h); empty: nowhere.
  std::vector<std::int64_t> calibration_folds;
  std::string calibration_hash;  // of that data set

  // Samples of a record: more than the architecture's where the model sees crops.
  std::int64_t record_samples() const { return cropped_from == 0 ? architecture.shape().samples : cropped_from; }
  Crops crops() const { return {cropped_from == 0 ? 0 : architecture.shape().samples, aggregate, window_step}; }
};

// A model and what its file says about it.
struct TrainedModel {
  ModelDescription description;
  std::unique_ptr<Model> net;
};

// Whether a model's input may be in this unit: mV, which any voltage becomes, or z, standardized.
bool is_signal_unit(std::string_view unit);

// What every answer of a model that was trained on synthetic ECGs, or began with such a model, says beside it; empty
// for others.
std::string synthetic_warning(const ModelDescription& model);

// Atomic; equal models give equal bytes.
void save_model(const std::filesystem::path& path, const ModelDescription& description, Model& net,
                Existing existing = Existing::kReplace);

// The file of a model: `path` itself, or of a run's folder its best.safetensors. Throws Error for a folder without.
std::filesystem::path model_path(const std::filesystem::path& path);

// Reads model_path(path). Throws Error naming the file for what is no safetensors file, was not written by save_model,
// lacks a field or a tensor, has one of another shape, names of classes or leads that are none (base/text.h:
// name_fault) or the same, or another unit than is_signal_unit's. Files of format version 1 are read with a warning
// that names the header keys that have changed. Not while other threads make tensors on the CPU: their memory is
// limited for the moment.
TrainedModel load_model(const std::filesystem::path& path);

}  // namespace cardiograd::model
