#include "evaluation/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "base/philox.h"
#include "base/random_streams.h"
#include "base/threads.h"
#include "evaluation/score_order.h"

namespace cardiograd::evaluation {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kMaxDraws = 1'000'000;
constexpr std::int64_t kDrawsPerPiece = 8;

void check_settings(const BootstrapSettings& settings) {
  if (settings.draws < 0 || settings.draws > kMaxDraws)
    throw Error(fmt::format("{} bootstrap draws, expected 0 to {}", settings.draws, kMaxDraws));
  if (!(settings.level > 0.0 && settings.level < 1.0))
    throw Error(fmt::format("bootstrap level {}, expected more than 0 and less than 1", settings.level));
}

std::vector<ScoreOrder> order_all(const Predictions& predictions) {
  std::vector<ScoreOrder> orders(static_cast<std::size_t>(predictions.classes));
  parallel_for(predictions.classes,
               [&](std::int64_t c) { orders[static_cast<std::size_t>(c)] = order_by_score(predictions, c); });
  return orders;
}

// (draws, classes) values, each written by one thread.
class DrawTable {
 public:
  DrawTable(std::int64_t draws, std::size_t classes)
      : draws_(static_cast<std::size_t>(draws)), classes_(classes), values_(draws_ * classes) {}
  double& at(std::size_t draw, std::size_t column) { return values_[draw * classes_ + column]; }
  std::size_t draws() const { return draws_; }
  std::size_t classes() const { return classes_; }

  // The values of a class over the draws in which it has one.
  std::vector<double> column(std::size_t c) const {
    std::vector<double> values;
    for (std::size_t draw = 0; draw < draws_; ++draw)
      if (!std::isnan(values_[draw * classes_ + c])) values.push_back(values_[draw * classes_ + c]);
    return values;
  }

  // The mean of each draw over its classes that have a value.
  std::vector<double> macro() const {
    std::vector<double> means;
    for (std::size_t draw = 0; draw < draws_; ++draw) {
      double sum = 0.0;
      std::int64_t counted = 0;
      for (std::size_t c = 0; c < classes_; ++c) {
        const double value = values_[draw * classes_ + c];
        if (std::isnan(value)) continue;
        sum += value;
        ++counted;
      }
      if (counted > 0) means.push_back(sum / static_cast<double>(counted));
    }
    return means;
  }

 private:
  std::size_t draws_;
  std::size_t classes_;
  std::vector<double> values_;
};

// Fills the table with statistic(column, weights), where weights says how often a draw took each record.
template <class Statistic>
DrawTable resample(std::int64_t records, std::size_t classes, const BootstrapSettings& settings,
                   Statistic&& statistic) {
  DrawTable table(settings.draws, classes);
  const std::int64_t pieces = (settings.draws + kDrawsPerPiece - 1) / kDrawsPerPiece;
  parallel_for(pieces, [&](std::int64_t piece) {
    const std::int64_t end = std::min(settings.draws, (piece + 1) * kDrawsPerPiece);
    for (std::int64_t draw = piece * kDrawsPerPiece; draw < end; ++draw) {
      const std::vector<std::uint32_t> weights = bootstrap_weights(records, settings.seed, draw);
      for (std::size_t c = 0; c < classes; ++c) table.at(static_cast<std::size_t>(draw), c) = statistic(c, weights);
    }
  });
  return table;
}

// Sorted values; q in [0, 1]. Linear interpolation as in numpy.percentile.
double quantile(const std::vector<double>& sorted, double q) {
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], position - static_cast<double>(below));
}

Interval interval(double value, std::vector<double> values, double level) {
  Interval result{value, kNaN, kNaN, static_cast<std::int64_t>(values.size())};
  if (values.empty()) return result;
  std::sort(values.begin(), values.end());
  result.low = quantile(values, 0.5 * (1.0 - level));
  result.high = quantile(values, 0.5 * (1.0 + level));
  return result;
}

AucDifference difference(double value, const std::vector<double>& values, double level) {
  AucDifference result{{interval(value, values, level)}, kNaN};
  if (values.empty()) return result;
  const auto at_most_zero = std::count_if(values.begin(), values.end(), [](double v) { return v <= 0.0; });
  const auto at_least_zero = std::count_if(values.begin(), values.end(), [](double v) { return v >= 0.0; });
  const double smaller = static_cast<double>(std::min(at_most_zero, at_least_zero));
  // The records as they are count as one draw more: no number of draws shows that p is 0.
  result.p_value = std::min(1.0, 2.0 * (1.0 + smaller) / (1.0 + static_cast<double>(values.size())));
  return result;
}

std::int64_t incomplete_draws(DrawTable& table, const std::vector<ScoreOrder>& orders) {
  std::int64_t incomplete = 0;
  for (std::size_t draw = 0; draw < table.draws(); ++draw) {
    bool lost = false;
    for (std::size_t c = 0; c < table.classes(); ++c)
      lost = lost || (orders[c].both_outcomes() && std::isnan(table.at(draw, c)));
    incomplete += lost ? 1 : 0;
  }
  return incomplete;
}

}  // namespace

std::vector<std::uint32_t> bootstrap_weights(std::int64_t records, std::uint64_t seed, std::int64_t draw) {
  if (records < 1 || records > std::numeric_limits<std::int32_t>::max())
    throw Error(
        fmt::format("{} records to resample, expected 1 to {}", records, std::numeric_limits<std::int32_t>::max()));
  std::vector<std::uint32_t> weights(static_cast<std::size_t>(records));
  PhiloxStream random(seed, random_streams::bootstrap(draw));
  for (std::int64_t i = 0; i < records; ++i) ++weights[random.below(static_cast<std::uint32_t>(records))];
  return weights;
}

BootstrapAuc bootstrap_auc(const Predictions& predictions, const BootstrapSettings& settings) {
  check_predictions(predictions);
  check_settings(settings);
  const std::vector<ScoreOrder> orders = order_all(predictions);
  DrawTable table = resample(
      predictions.records, orders.size(), settings,
      [&](std::size_t c, const std::vector<std::uint32_t>& weights) { return weighted_roc_auc(orders[c], weights); });

  BootstrapAuc result;
  result.settings = settings;
  result.incomplete_draws = incomplete_draws(table, orders);
  for (std::size_t c = 0; c < orders.size(); ++c)
    result.classes.push_back(interval(roc_auc(orders[c]), table.column(c), settings.level));
  result.macro = interval(macro_auc(predictions).value, table.macro(), settings.level);
  return result;
}

BootstrapDifference bootstrap_difference(const Predictions& first, const Predictions& second,
                                         const BootstrapSettings& settings) {
  check_predictions(first);
  check_predictions(second);
  check_settings(settings);
  if (first.records != second.records || first.classes != second.classes)
    throw Error(fmt::format("score sets of {} x {} and {} x {} cannot be compared: records and classes must agree",
                            first.records, first.classes, second.records, second.classes));
  const auto differs = std::mismatch(first.labels.begin(), first.labels.end(), second.labels.begin()).first;
  if (differs != first.labels.end()) {
    const auto at = static_cast<std::int64_t>(differs - first.labels.begin());
    throw Error(fmt::format("the two score sets disagree about the label of record {}, class {}", at / first.classes,
                            class_label(first, at % first.classes)),
                "compare models on the same records in the same order");
  }
  const std::vector<ScoreOrder> first_orders = order_all(first);
  const std::vector<ScoreOrder> second_orders = order_all(second);
  DrawTable table = resample(
      first.records, first_orders.size(), settings, [&](std::size_t c, const std::vector<std::uint32_t>& weights) {
        return weighted_roc_auc(first_orders[c], weights) - weighted_roc_auc(second_orders[c], weights);
      });

  BootstrapDifference result;
  result.settings = settings;
  result.incomplete_draws = incomplete_draws(table, first_orders);
  for (std::size_t c = 0; c < first_orders.size(); ++c)
    result.classes.push_back(
        difference(roc_auc(first_orders[c]) - roc_auc(second_orders[c]), table.column(c), settings.level));
  result.macro = difference(macro_auc(first).value - macro_auc(second).value, table.macro(), settings.level);
  return result;
}

}  // namespace cardiograd::evaluation
