// Decision thresholds, tuned for each class on a validation set.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

inline constexpr float kDefaultThreshold = 0.5F;

struct ClassThreshold {
  float value = kDefaultThreshold;
  double f1 = 0.0;  // on the set that it was tuned on; at kDefaultThreshold when not tuned
  bool tuned = false;
  std::string reason;  // why it was not tuned
};

// The threshold of each class that gives the highest F1 there (a record is positive when score > threshold).
// Candidates are the midpoints between neighboring distinct scores, rounded to a float that still separates them.
// Of thresholds with equal F1 (compared exactly, in integers) the one nearest to 0.5 is taken, of two equally near ones
// the higher. A class without positives, without negatives or with a single score for all records cannot be tuned: it
// keeps 0.5, and `reason` says why. Throws what check_predictions() throws.
std::vector<ClassThreshold> tune_thresholds(const Predictions& validation);

// Logs a warning for each class that keeps 0.5, with the reason.
void warn_of_untuned(const std::vector<ClassThreshold>& thresholds, const Predictions& validation);

// The numbers alone, as compute_metrics() takes them.
std::vector<float> threshold_values(const std::vector<ClassThreshold>& thresholds);

}  // namespace cardiograd::evaluation
