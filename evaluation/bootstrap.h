// How certain is an AUC? Percentile intervals from resampling the records with replacement.
#pragma once

#include <cstdint>
#include <vector>

#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

struct BootstrapSettings {
  std::int64_t draws = 1000;  // 0: no intervals
  std::uint64_t seed = 0;
  double level = 0.95;  // fraction of the draws inside the interval
};

// A value on all records and the interval of its resampled values, by linear interpolation between order statistics
// (numpy.percentile). NaN where no draw counted.
struct Interval {
  double value = 0.0;
  double low = 0.0;
  double high = 0.0;
  std::int64_t draws = 0;  // draws that counted
};

struct BootstrapAuc {
  Interval macro;
  std::vector<Interval> classes;  // C
  // Draws in which a class that has both outcomes in the records lost one: it is skipped there, and the macro mean of
  // that draw goes over the other classes. A class that has one outcome only never counts.
  std::int64_t incomplete_draws = 0;
  BootstrapSettings settings;
};

// How often draw number `draw` takes each of `records` records (they sum to `records`): a function of the arguments
// alone, so that any statistic can be resampled on the same draws. Throws Error unless 1 <= records < 2^31.
std::vector<std::uint32_t> bootstrap_weights(std::int64_t records, std::uint64_t seed, std::int64_t draw);

// Each draw takes N records with replacement; the same records for all classes. Draw d uses random numbers of its own,
// a function of (seed, d), so that the result does not depend on the thread count. Cost: one sort per class, then
// draws x N x C steps. Throws what check_predictions() throws, and Error for negative draws or a level outside (0, 1).
BootstrapAuc bootstrap_auc(const Predictions& predictions, const BootstrapSettings& settings = {});

// AUC of `first` minus AUC of `second` on the same records.
struct AucDifference : Interval {
  // Two-sided: twice (1 + k) / (1 + draws), at most 1, where k is the smaller of the numbers of draws with a difference
  // <= 0 and >= 0. Never below 2 / (1 + draws). NaN without draws.
  double p_value = 0.0;
};

struct BootstrapDifference {
  AucDifference macro;
  std::vector<AucDifference> classes;  // C
  std::int64_t incomplete_draws = 0;   // as in BootstrapAuc
  BootstrapSettings settings;
};

// Paired: every draw resamples both score sets alike, so that what makes a record hard for both cancels. Throws Error
// when shapes or labels differ.
BootstrapDifference bootstrap_difference(const Predictions& first, const Predictions& second,
                                         const BootstrapSettings& settings = {});

}  // namespace cardiograd::evaluation
