// ROC and precision-recall curves: what one class's decisions would be at every possible threshold.
#pragma once

#include <cstdint>
#include <vector>

#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

// Counting a record as positive when its score is `threshold` or more.
struct RocPoint {
  double false_positive_rate = 0;
  double true_positive_rate = 0;
  double threshold = 0;  // +infinity for the point where nothing is positive
};

struct PrecisionRecallPoint {
  double recall = 0;
  double precision = 0;  // 1 by convention where nothing is positive
  double threshold = 0;
};

// From the highest threshold to the lowest, a point for each distinct score and one for "nothing is positive" before
// them: scikit-learn's roc_curve(drop_intermediate=False). Empty when the class has one outcome only. Throws what
// check_predictions() throws.
std::vector<RocPoint> roc_curve(const Predictions& predictions, std::int64_t column);

// Likewise scikit-learn's precision_recall_curve(), in the opposite order. Empty when there are no positives.
std::vector<PrecisionRecallPoint> precision_recall_curve(const Predictions& predictions, std::int64_t column);

}  // namespace cardiograd::evaluation
