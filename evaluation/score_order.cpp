#include "evaluation/score_order.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace cardiograd::evaluation {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// Twice the number of won pairs, so that ties stay integers.
template <class Weight>
double mann_whitney(const ScoreOrder& order, Weight&& weight) {
  std::uint64_t doubled_wins = 0;
  std::uint64_t negatives_below = 0;
  std::uint64_t positives_below = 0;
  for (std::size_t group = 0; group < order.groups(); ++group) {
    std::uint64_t positives = 0;
    std::uint64_t all = 0;
    for (std::uint32_t i = order.group_begins[group]; i < order.group_begins[group + 1]; ++i) {
      const std::uint64_t count = weight(order.records[i].index());
      positives += count * order.records[i].label();
      all += count;
    }
    const std::uint64_t negatives = all - positives;
    doubled_wins += positives * (2 * negatives_below + negatives);
    negatives_below += negatives;
    positives_below += positives;
  }
  if (negatives_below == 0 || positives_below == 0) return kNaN;
  return static_cast<double>(doubled_wins) /
         (2.0 * static_cast<double>(positives_below) * static_cast<double>(negatives_below));
}

}  // namespace

ScoreOrder order_by_score(const Predictions& predictions, std::int64_t column) {
  const auto count = static_cast<std::size_t>(predictions.records);
  const auto stride = static_cast<std::size_t>(predictions.classes);
  const float* scores = predictions.scores.data() + column;
  const std::uint8_t* labels = predictions.labels.data() + column;

  std::vector<std::uint32_t> indices(count);
  std::iota(indices.begin(), indices.end(), 0U);
  std::sort(indices.begin(), indices.end(), [&](std::uint32_t a, std::uint32_t b) {
    const float score_a = scores[a * stride];
    const float score_b = scores[b * stride];
    return score_a != score_b ? score_a < score_b : a < b;
  });

  ScoreOrder order;
  order.records.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t index = indices[i];
    if (i == 0 || scores[index * stride] != scores[indices[i - 1] * stride])
      order.group_begins.push_back(static_cast<std::uint32_t>(i));
    const std::uint32_t label = labels[index * stride];
    order.records.push_back({(indices[i] << 1) | label});
    order.positives += label;
  }
  order.group_begins.push_back(static_cast<std::uint32_t>(count));
  order.negatives = predictions.records - order.positives;
  return order;
}

double weighted_roc_auc(const ScoreOrder& order, std::span<const std::uint32_t> weights) {
  return mann_whitney(order, [weights](std::uint32_t index) { return weights[index]; });
}

double roc_auc(const ScoreOrder& order) {
  return mann_whitney(order, [](std::uint32_t) { return 1U; });
}

double average_precision(const ScoreOrder& order) {
  if (order.positives == 0) return kNaN;
  double sum = 0.0;
  std::int64_t positives = 0;
  std::int64_t predicted = 0;
  for (std::size_t group = order.groups(); group-- > 0;) {
    std::int64_t gained = 0;
    for (std::uint32_t i = order.group_begins[group]; i < order.group_begins[group + 1]; ++i)
      gained += order.records[i].label();
    positives += gained;
    predicted += order.group_begins[group + 1] - order.group_begins[group];
    sum += static_cast<double>(gained) * static_cast<double>(positives) / static_cast<double>(predicted);
  }
  return sum / static_cast<double>(order.positives);
}

}  // namespace cardiograd::evaluation
