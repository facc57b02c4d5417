#include "evaluation/thresholds.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "base/log.h"
#include "evaluation/score_order.h"

namespace cardiograd::evaluation {
namespace {

// F1 = 2 hits / (predicted + actual) as a fraction, so that equal is equal.
struct Fraction {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
  double value() const { return static_cast<double>(numerator) / static_cast<double>(denominator); }
};

// Both parts are at most 2^31 (check_predictions() allows 2^30 records), so the products fit.
int compare(const Fraction& a, const Fraction& b) {
  const std::int64_t left = a.numerator * b.denominator;
  const std::int64_t right = b.numerator * a.denominator;
  return left < right ? -1 : (left > right ? 1 : 0);
}

// A float t with low <= t < high, as near to the middle as floats allow. Infinite scores have no middle.
float separate(float low, float high) {
  if (std::isinf(low)) return std::isinf(high) ? 0.0F : std::nextafter(high, low);
  if (std::isinf(high)) return low;
  const float middle = std::midpoint(low, high);
  return middle < high ? middle : low;
}

float score_at(const Predictions& predictions, const ScoreOrder& order, std::size_t group, std::int64_t column) {
  const std::size_t record = order.records[order.group_begins[group]].index();
  return predictions.scores[record * static_cast<std::size_t>(predictions.classes) + static_cast<std::size_t>(column)];
}

bool nearer_to_default(float candidate, float best) {
  const double distance = std::abs(double{candidate} - double{kDefaultThreshold});
  const double best_distance = std::abs(double{best} - double{kDefaultThreshold});
  return distance != best_distance ? distance < best_distance : candidate > best;
}

void tune(const Predictions& predictions, const ScoreOrder& order, std::int64_t column, ClassThreshold& result) {
  Fraction best{-1, 1};
  std::int64_t hits = 0;
  std::int64_t predicted = 0;
  for (std::size_t group = order.groups() - 1; group > 0; --group) {
    for (std::uint32_t i = order.group_begins[group]; i < order.group_begins[group + 1]; ++i)
      hits += order.records[i].label();
    predicted += order.group_begins[group + 1] - order.group_begins[group];
    const Fraction f1{2 * hits, predicted + order.positives};
    const float candidate =
        separate(score_at(predictions, order, group - 1, column), score_at(predictions, order, group, column));
    const int order_of_f1 = compare(f1, best);
    if (order_of_f1 > 0 || (order_of_f1 == 0 && nearer_to_default(candidate, result.value))) {
      best = f1;
      result.value = candidate;
    }
  }
  result.f1 = best.value();
  result.tuned = true;
}

double f1_at_default(const Predictions& predictions, const ScoreOrder& order, std::int64_t column) {
  std::int64_t hits = 0;
  std::int64_t predicted = 0;
  for (std::size_t group = 0; group < order.groups(); ++group) {
    if (!(score_at(predictions, order, group, column) > kDefaultThreshold)) continue;
    for (std::uint32_t i = order.group_begins[group]; i < order.group_begins[group + 1]; ++i)
      hits += order.records[i].label();
    predicted += order.group_begins[group + 1] - order.group_begins[group];
  }
  return predicted + order.positives == 0
             ? 0.0
             : 2.0 * static_cast<double>(hits) / static_cast<double>(predicted + order.positives);
}

}  // namespace

std::vector<ClassThreshold> tune_thresholds(const Predictions& validation) {
  check_predictions(validation);
  std::vector<ClassThreshold> thresholds(static_cast<std::size_t>(validation.classes));
  for (std::int64_t c = 0; c < validation.classes; ++c) {
    ClassThreshold& threshold = thresholds[static_cast<std::size_t>(c)];
    const ScoreOrder order = order_by_score(validation, c);
    if (order.positives == 0) {
      threshold.reason = "no positives";
    } else if (order.negatives == 0) {
      threshold.reason = "no negatives";
    } else if (order.groups() == 1) {
      threshold.reason = "all scores are equal";
    } else {
      tune(validation, order, c, threshold);
      continue;
    }
    threshold.f1 = f1_at_default(validation, order, c);
  }
  return thresholds;
}

void warn_of_untuned(const std::vector<ClassThreshold>& thresholds, const Predictions& validation) {
  for (std::size_t c = 0; c < thresholds.size(); ++c)
    if (!thresholds[c].tuned)
      log_warning("the threshold of class {} stays {}: {} among {} validation records",
                  class_label(validation, static_cast<std::int64_t>(c)), kDefaultThreshold, thresholds[c].reason,
                  validation.records);
}

std::vector<float> threshold_values(const std::vector<ClassThreshold>& thresholds) {
  std::vector<float> values;
  for (const ClassThreshold& threshold : thresholds) values.push_back(threshold.value);
  return values;
}

}  // namespace cardiograd::evaluation
