// Training that begins with the weights of another model: what of them fits a new set of classes, leads and features,
// and what of it may change.
#pragma once

#include <string>
#include <vector>

#include "model/model_file.h"
#include "model/training_config.h"

namespace cardiograd::model {

// The names of a network's tensors, by where their values came from.
struct TakenOver {
  std::vector<std::string> whole;   // from the other model
  std::vector<std::string> partly;  // the rows of some leads, features or classes from there, the others new
  std::vector<std::string> fresh;   // as they were
  std::vector<std::string> notes;   // what there is to say of tensors that are not whole: "head.3.weight: classes ..."
};

// A configuration that reads and builds as `model` does: its sizes, rate, filter, normalization and features.
TrainingConfig config_like(const ModelDescription& model);

// Before the data are read: throws Error where `from` is of another kind than the run's model or was trained at another
// rate, or has no part that the run would freeze.
void expect_beginning(const TrainedModel& from, const TrainingConfig& config);

// Fills `net`, which is described by `to` and lies on the CPU, from `from`. Tensors of one name and shape are taken
// over. What belongs to a lead, a hand-crafted feature or a class goes to that of the same name; leads, features and
// classes that `from` does not have keep their values. Throws Error where the two models are of different kinds, or
// `from` was trained at another rate or in another unit: its filters would mean something else.
TakenOver take_over_weights(const TrainedModel& from, const ModelDescription& to, Model& net);

// The scaling of leads and features that both have becomes that of `from`, as its weights need it.
void take_over_scaling(const ModelDescription& from, ModelDescription& to);

// Freezes what `freeze` says. Throws Error where that part has values that are not from the other model.
void freeze_part(Model& net, Freeze freeze, const TakenOver& taken);

}  // namespace cardiograd::model
