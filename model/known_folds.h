// Which folds of a data set a model has seen, and how: figures of these say little about new recordings.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "model/model_file.h"

namespace cardiograd::model {

// Whether records are those that a model was trained on.
enum class DataOrigin {
  kOwn,
  kOther,    // another set, or in other folds: even where it shares records, the numbers of its folds say nothing
  kUnknown,  // the model's file is of an earlier version, which did not name its data
};

// Of the folds that were asked about, in their order, those that a model has seen.
struct KnownFolds {
  DataOrigin data = DataOrigin::kUnknown;
  std::vector<std::int64_t> training;     // trained it
  std::vector<std::int64_t> validation;   // chose its epoch and thresholds
  std::vector<std::int64_t> calibration;  // calibrated its probabilities; of any data set

  bool empty() const { return training.empty() && validation.empty() && calibration.empty(); }
};

// By what the model's file says, and by the records' ids and folds, whatever folder they lie in. Of other data nothing
// is known but what has calibrated the model. Where the file does not name its data, the numbers alone decide.
KnownFolds known_folds(const ModelDescription& model, const data::Dataset& set, const std::vector<std::int64_t>& folds);

// A sentence for each way in which `name`, a model, has seen some of the folds, the worst first: "fold 3 trained this
// model: its figures are no test".
std::vector<std::string> known_folds_words(const KnownFolds& known, const std::string& name);

// The same as warnings in the log.
void warn_of_known_folds(const KnownFolds& known, const std::string& name);

}  // namespace cardiograd::model
