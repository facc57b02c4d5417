// A trained HC-CNN-TN as an ONNX graph of standard operators that other programs run without this one.
//
//   signals  (batch, leads, samples)  in the unit, rate and lead order that the metadata name
//   features (batch, features)        hand-crafted features as `features` prints them, NaN where missing; absent in a
//                                     model without
//   logits, probabilities (batch, classes)
//
// Of a model that sees crops, signals are whole records: the graph cuts them into windows and joins the answers.
//
// What training learned about its inputs is inside the graph: each lead's mean and SD, each feature's median, mean and
// SD. The filter is inside on request, else signals are expected as the metadata say ("filter").
#pragma once

#include <string>

#include "model/model_file.h"

namespace onnx {
class ModelProto;
}

namespace cardiograd::apps {

struct OnnxOptions {
  // The filter as one product with a (samples, samples) matrix: it is linear, so this is what `predict` does but for
  // rounding. Adds 4 * samples * samples bytes to the file.
  bool filter_inside = false;
};

// `description` is the text of the model file's metadata, which the graph carries whole beside its parts. Throws Error
// for a model of another kind than HC-CNN-TN, and where the filter is to go inside but is none, or the signals are
// standardized per record, which is no product with a matrix.
onnx::ModelProto to_onnx(model::TrainedModel& trained, const std::string& description, const OnnxOptions& options);

}  // namespace cardiograd::apps
