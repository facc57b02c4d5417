#include "evaluation/metrics.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "base/error.h"
#include "evaluation/score_order.h"

namespace cardiograd::evaluation {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// An index and a label share 32 bits, and products of two counts must fit 63.
constexpr std::int64_t kMaxDecisions = std::int64_t{1} << 30;

double ratio(std::int64_t numerator, std::int64_t denominator) {
  return denominator == 0 ? 0.0 : static_cast<double>(numerator) / static_cast<double>(denominator);
}

void set_decision_scores(const ConfusionMatrix& confusion, BasicMetrics& scores) {
  const std::int64_t hits = confusion.true_positives;
  const std::int64_t predicted = hits + confusion.false_positives;
  const std::int64_t actual = hits + confusion.false_negatives;
  scores.precision = ratio(hits, predicted);
  scores.recall = ratio(hits, actual);
  scores.f1 = ratio(2 * hits, predicted + actual);
}

void count_decision(bool label, bool predicted, ConfusionMatrix& confusion) {
  if (label) {
    ++(predicted ? confusion.true_positives : confusion.false_negatives);
  } else {
    ++(predicted ? confusion.false_positives : confusion.true_negatives);
  }
}

// Adds `weight` times each figure; `ranking` says whether AUC and average precision take part.
void add_weighted(const BasicMetrics& from, double weight, bool ranking, BasicMetrics& to) {
  to.precision += weight * from.precision;
  to.recall += weight * from.recall;
  to.f1 += weight * from.f1;
  if (!ranking) return;
  to.auc += weight * from.auc;
  to.average_precision += weight * from.average_precision;
}

void divide(double decisions, double ranking, BasicMetrics& scores) {
  scores.precision /= decisions;
  scores.recall /= decisions;
  scores.f1 /= decisions;
  scores.auc /= ranking;
  scores.average_precision /= ranking;
}

BasicMetrics macro_mean(const std::vector<ClassMetrics>& classes, std::int64_t& counted) {
  BasicMetrics mean;
  counted = 0;
  for (const ClassMetrics& one : classes) {
    if (!one.both_outcomes) continue;
    add_weighted(one, 1.0, true, mean);
    ++counted;
  }
  divide(static_cast<double>(counted), static_cast<double>(counted), mean);  // 0 / 0 = NaN where no class counts
  return mean;
}

BasicMetrics weighted_mean(const std::vector<ClassMetrics>& classes) {
  BasicMetrics mean;
  std::int64_t decisions = 0;
  std::int64_t ranking = 0;
  for (const ClassMetrics& one : classes) {
    if (one.support == 0) continue;
    add_weighted(one, static_cast<double>(one.support), one.both_outcomes, mean);
    decisions += one.support;
    ranking += one.both_outcomes ? one.support : 0;
  }
  divide(decisions == 0 ? 1.0 : static_cast<double>(decisions), static_cast<double>(ranking), mean);
  return mean;
}

// All decisions as one class: (N, C) read as (N C, 1).
BasicMetrics micro_scores(const Predictions& predictions, const std::vector<ClassMetrics>& classes) {
  ConfusionMatrix all;
  for (const ClassMetrics& one : classes) {
    all.true_negatives += one.confusion.true_negatives;
    all.false_positives += one.confusion.false_positives;
    all.false_negatives += one.confusion.false_negatives;
    all.true_positives += one.confusion.true_positives;
  }
  BasicMetrics micro;
  set_decision_scores(all, micro);
  const Predictions flat{predictions.scores, predictions.labels, predictions.records * predictions.classes, 1, {}};
  const ScoreOrder order = order_by_score(flat, 0);
  micro.auc = roc_auc(order);
  micro.average_precision = average_precision(order);
  return micro;
}

BasicMetrics samples_mean(const Predictions& predictions, std::span<const float> thresholds) {
  BasicMetrics mean;
  const auto columns = static_cast<std::size_t>(predictions.classes);
  for (std::size_t record = 0; record < static_cast<std::size_t>(predictions.records); ++record) {
    ConfusionMatrix confusion;
    for (std::size_t c = 0; c < columns; ++c) {
      const std::size_t at = record * columns + c;
      count_decision(predictions.labels[at] != 0, predictions.scores[at] > thresholds[c], confusion);
    }
    BasicMetrics one;
    set_decision_scores(confusion, one);
    add_weighted(one, 1.0, false, mean);
  }
  const auto records = static_cast<double>(predictions.records);
  divide(records, records, mean);
  mean.auc = mean.average_precision = kNaN;
  return mean;
}

ClassMetrics class_metrics(const Predictions& predictions, std::int64_t column, float threshold) {
  ClassMetrics result;
  const auto columns = static_cast<std::size_t>(predictions.classes);
  for (std::size_t at = static_cast<std::size_t>(column); at < predictions.labels.size(); at += columns)
    count_decision(predictions.labels[at] != 0, predictions.scores[at] > threshold, result.confusion);
  set_decision_scores(result.confusion, result);
  const ScoreOrder order = order_by_score(predictions, column);
  result.auc = roc_auc(order);
  result.average_precision = average_precision(order);
  result.support = order.positives;
  result.both_outcomes = order.both_outcomes();
  return result;
}

}  // namespace

std::string class_label(const Predictions& predictions, std::int64_t column) {
  if (predictions.names.empty()) return std::to_string(column);
  return fmt::format("'{}'", predictions.names[static_cast<std::size_t>(column)]);
}

void check_predictions(const Predictions& predictions) {
  const std::int64_t records = predictions.records;
  const std::int64_t classes = predictions.classes;
  if (records < 1 || classes < 1)
    throw Error(
        fmt::format("nothing to evaluate: {} records, {} classes, expected at least one of each", records, classes));
  if (records > kMaxDecisions / classes)
    throw Error(fmt::format("{} records x {} classes, expected at most {} scores", records, classes, kMaxDecisions));
  const auto expected = static_cast<std::size_t>(records * classes);
  if (predictions.scores.size() != expected || predictions.labels.size() != expected)
    throw Error(fmt::format("{} scores and {} labels, expected {} records x {} classes = {} of each",
                            predictions.scores.size(), predictions.labels.size(), records, classes, expected));
  if (!predictions.names.empty() && predictions.names.size() != static_cast<std::size_t>(classes))
    throw Error(fmt::format("{} class names, expected {}", predictions.names.size(), classes));
  for (std::size_t at = 0; at < expected; ++at) {
    const auto record = static_cast<std::int64_t>(at) / classes;
    const auto column = static_cast<std::int64_t>(at) % classes;
    if (std::isnan(predictions.scores[at]))
      throw Error(fmt::format("the score of record {}, class {} is NaN, expected a probability", record,
                              class_label(predictions, column)),
                  "look for NaN in this record's signal and features, or for a model whose weights diverged");
    if (predictions.labels[at] > 1)
      throw Error(fmt::format("the label of record {}, class {} is {}, expected 0 or 1", record,
                              class_label(predictions, column), predictions.labels[at]));
  }
}

Metrics compute_metrics(const Predictions& predictions, std::span<const float> thresholds) {
  check_predictions(predictions);
  if (thresholds.size() != static_cast<std::size_t>(predictions.classes))
    throw Error(
        fmt::format("{} thresholds, expected one for each of {} classes", thresholds.size(), predictions.classes));
  for (std::size_t c = 0; c < thresholds.size(); ++c)
    if (std::isnan(thresholds[c]))
      throw Error(fmt::format("the threshold of class {} is NaN, expected a number",
                              class_label(predictions, static_cast<std::int64_t>(c))));

  Metrics metrics;
  metrics.records = predictions.records;
  for (std::int64_t c = 0; c < predictions.classes; ++c) {
    metrics.classes.push_back(class_metrics(predictions, c, thresholds[static_cast<std::size_t>(c)]));
    metrics.support += metrics.classes.back().support;
  }
  metrics.macro = macro_mean(metrics.classes, metrics.macro_classes);
  metrics.micro = micro_scores(predictions, metrics.classes);
  metrics.weighted = weighted_mean(metrics.classes);
  metrics.samples = samples_mean(predictions, thresholds);
  return metrics;
}

std::vector<std::vector<std::int64_t>> co_confusion(const Predictions& predictions, std::span<const float> thresholds) {
  check_predictions(predictions);
  const auto classes = static_cast<std::size_t>(predictions.classes);
  if (thresholds.size() != classes)
    throw Error(fmt::format("{} thresholds for {} classes", thresholds.size(), classes), "Give one for each class.");
  std::vector<std::vector<std::int64_t>> counts(classes, std::vector<std::int64_t>(classes + 1));
  for (std::size_t n = 0; n < static_cast<std::size_t>(predictions.records); ++n) {
    std::vector<std::size_t> decided;
    for (std::size_t c = 0; c < classes; ++c)
      if (predictions.scores[n * classes + c] > thresholds[c]) decided.push_back(c);
    if (decided.empty()) decided.push_back(classes);
    for (std::size_t label = 0; label < classes; ++label)
      if (predictions.labels[n * classes + label] != 0)
        for (const std::size_t c : decided) ++counts[label][c];
  }
  return counts;
}

std::vector<double> class_aucs(const Predictions& predictions) {
  check_predictions(predictions);
  std::vector<double> aucs;
  for (std::int64_t c = 0; c < predictions.classes; ++c) {
    const ScoreOrder order = order_by_score(predictions, c);
    aucs.push_back(order.both_outcomes() ? roc_auc(order) : std::numeric_limits<double>::quiet_NaN());
  }
  return aucs;
}

MacroAuc macro_auc(const Predictions& predictions) {
  MacroAuc result;
  double sum = 0.0;
  for (const double auc : class_aucs(predictions)) {
    if (std::isnan(auc)) continue;
    sum += auc;
    ++result.classes;
  }
  result.value = sum / static_cast<double>(result.classes);
  return result;
}

}  // namespace cardiograd::evaluation
