// A trained model as one safetensors file: PyTorch's weight names and shapes, and with them everything that is needed
// to use the weights on a new recording.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "model/hc_cnn_tn.h"
#include "model/scaling.h"

namespace cardiograd::model {

struct ModelDescription {
  HcCnnTnConfig sizes;
  std::string task;  // super | sub
  std::vector<std::string> class_names;
  std::vector<float> thresholds;        // per class: positive when the probability is greater
  std::vector<std::string> lead_names;  // order of the input's channels
  double rate = 0;                      // Hz
  std::string unit;                     // of the signals before scaling: mV, or z
  std::string filter;                   // butterworth | none
  std::string normalize;                // none | zscore
  std::string unlabeled;                // drop | keep, in training
  std::string feature_set;              // none | demographics | all
  SignalScaling signal_scaling;
  FeatureScaling feature_scaling;
  std::int64_t epoch = 0;               // epochs trained
  std::vector<std::int64_t> val_folds;  // the thresholds and the choice of the epoch come from here
};

struct TrainedModel {
  ModelDescription description;
  std::unique_ptr<HcCnnTn> net;
};

// Atomic; equal models give equal bytes.
void save_model(const std::filesystem::path& path, const ModelDescription& description, HcCnnTn& net);

// Throws Error naming the file for what is no safetensors file, was not written by save_model, lacks a field or a
// tensor, or has one of another shape.
TrainedModel load_model(const std::filesystem::path& path);

}  // namespace cardiograd::model
