// Makes a trained model's probabilities mean what they say, by Platt scaling (evaluation/platt.h) of its logits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/platt.h"
#include "model/data_loader.h"
#include "model/model_file.h"

namespace cardiograd::model {

struct CalibratedClass {
  std::string name;
  std::int64_t positives = 0;
  evaluation::PlattScaling scaling;  // 1 and 0 where nothing was fitted
  std::string reason;                // why nothing was fitted; empty where something was
};

// Fits each class's scaling on `rows` and puts it into the last layer: weights and bias of that class, so that the
// model file stays one of its kind. The thresholds become those with the highest F1 on `rows`, unless all are 0.5,
// which stay. A class without positives, without negatives, or whose logits do not order the records stays as it is.
// The net is on the loader's device. Throws Error for a model that does not say which its last layer is.
std::vector<CalibratedClass> calibrate(TrainedModel& model, const DataLoader& loader,
                                       const std::vector<std::int64_t>& rows, std::int64_t batch_size);

}  // namespace cardiograd::model
