// The records of one class sorted by score, with ties kept together: what AUC, average precision, threshold tuning and
// the bootstrap walk along.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

// A record index and its label in one word, so that a walk along the order reads one array.
struct OrderedRecord {
  std::uint32_t packed = 0;
  std::uint32_t index() const { return packed >> 1; }
  std::uint32_t label() const { return packed & 1U; }
};

struct ScoreOrder {
  std::vector<OrderedRecord> records;       // N, from the lowest score to the highest; equal scores by index
  std::vector<std::uint32_t> group_begins;  // G + 1: group g of equal scores is records[begins[g] ... begins[g + 1])
  std::int64_t positives = 0;
  std::int64_t negatives = 0;

  std::size_t groups() const { return group_begins.size() - 1; }
  bool both_outcomes() const { return positives > 0 && negatives > 0; }
};

// The predictions must have passed check_predictions().
ScoreOrder order_by_score(const Predictions& predictions, std::int64_t column);

// The Mann-Whitney statistic: the fraction of (positive, negative) pairs in which the positive scores higher, ties
// counting one half; exact in integers until the division. Each record counts `weights[index]` times.
// NaN when an outcome has no weight.
double weighted_roc_auc(const ScoreOrder& order, std::span<const std::uint32_t> weights);
double roc_auc(const ScoreOrder& order);

// sum over groups of equal scores, from the highest down, of (recall gained) x (precision there). NaN without
// positives.
double average_precision(const ScoreOrder& order);

}  // namespace cardiograd::evaluation
