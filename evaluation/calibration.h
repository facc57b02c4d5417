// Do probabilities mean what they say? Of the records given 70 %, 70 % should be positive.
#pragma once

#include <cstdint>
#include <vector>

#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

// An interval for a proportion of few records: Wilson's score interval at 95 %. `successes` of `trials` > 0.
struct ProportionInterval {
  double low = 0;
  double high = 1;
};
ProportionInterval wilson_interval(std::int64_t successes, std::int64_t trials);

// The records with a score in (low, high]; the first bin also holds 0.
struct ReliabilityBin {
  double low = 0;
  double high = 0;
  std::int64_t records = 0;
  std::int64_t positives = 0;
  double mean_score = 0;         // NaN without records
  double positive_fraction = 0;  // NaN without records
  ProportionInterval interval;   // of the fraction of positives
};

struct Calibration {
  std::vector<ReliabilityBin> bins;  // of equal width, empty ones too
  std::int64_t records = 0;
  std::int64_t positives = 0;
  // Expected calibration error: the mean over bins of |mean score - fraction of positives|, weighted by records.
  double expected_error = 0;
  double brier = 0;  // mean of (score - label)^2
};

// Throws what check_predictions() throws, and Error for a score outside [0, 1] or less than one bin.
Calibration calibration(const Predictions& predictions, std::int64_t column, std::int64_t bins = 10);

}  // namespace cardiograd::evaluation
