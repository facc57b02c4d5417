#include "evaluation/curves.h"

#include <limits>

#include "evaluation/score_order.h"

namespace cardiograd::evaluation {
namespace {

// What is positive when all scores from a group of equal ones upwards are.
struct Cumulative {
  std::int64_t true_positives = 0;
  std::int64_t predicted = 0;
  double threshold = 0;
};

std::vector<Cumulative> from_the_highest(const Predictions& predictions, const ScoreOrder& order, std::int64_t column) {
  std::vector<Cumulative> steps;
  Cumulative now;
  for (std::size_t group = order.groups(); group-- > 0;) {
    for (std::uint32_t i = order.group_begins[group]; i < order.group_begins[group + 1]; ++i)
      now.true_positives += order.records[i].label();
    now.predicted += order.group_begins[group + 1] - order.group_begins[group];
    const std::size_t record = order.records[order.group_begins[group]].index();
    now.threshold = static_cast<double>(
        predictions.scores[record * static_cast<std::size_t>(predictions.classes) + static_cast<std::size_t>(column)]);
    steps.push_back(now);
  }
  return steps;
}

double fraction(std::int64_t part, std::int64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

std::vector<RocPoint> roc_curve(const Predictions& predictions, std::int64_t column) {
  check_predictions(predictions);
  const ScoreOrder order = order_by_score(predictions, column);
  if (!order.both_outcomes()) return {};
  std::vector<RocPoint> points{{0, 0, std::numeric_limits<double>::infinity()}};
  for (const Cumulative& c : from_the_highest(predictions, order, column))
    points.push_back({fraction(c.predicted - c.true_positives, order.negatives),
                      fraction(c.true_positives, order.positives), c.threshold});
  return points;
}

std::vector<PrecisionRecallPoint> precision_recall_curve(const Predictions& predictions, std::int64_t column) {
  check_predictions(predictions);
  const ScoreOrder order = order_by_score(predictions, column);
  if (order.positives == 0) return {};
  std::vector<PrecisionRecallPoint> points{{0, 1, std::numeric_limits<double>::infinity()}};
  for (const Cumulative& c : from_the_highest(predictions, order, column))
    points.push_back(
        {fraction(c.true_positives, order.positives), fraction(c.true_positives, c.predicted), c.threshold});
  return points;
}

}  // namespace cardiograd::evaluation
