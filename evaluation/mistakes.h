// Which records did the model get most wrong?
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

struct Mistake {
  std::int64_t record = 0;  // in the predictions
  std::int64_t column = 0;  // the class
  float score = 0;
  bool labeled = false;  // true: a miss; false: a false alarm
  double error = 0;      // |score - label|
};

// The wrong decisions (score > threshold is positive) with the largest error, at most `count`, each record only with
// its worst class. Of equal errors the earlier record and class come first. Throws what compute_metrics() throws.
std::vector<Mistake> worst_mistakes(const Predictions& predictions, std::span<const float> thresholds,
                                    std::int64_t count);

}  // namespace cardiograd::evaluation
