// How good are predictions? Precision, recall, F1, ROC AUC and average precision, per class and averaged, for records
// that may carry several labels. Every figure equals scikit-learn's (zero_division=0), ties included.
// Letters: N records, C classes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cardiograd::evaluation {

// Scores and labels of the same records; views, nothing is owned. All functions that take one throw Error when there
// are no records or no classes, when a size does not fit (naming both), when a label is neither 0 nor 1, and when a
// score is NaN (naming record and class).
struct Predictions {
  std::span<const float> scores;         // (N, C) row-major: probabilities
  std::span<const std::uint8_t> labels;  // (N, C) row-major: 0 or 1
  std::int64_t records = 0;              // N
  std::int64_t classes = 0;              // C
  std::span<const std::string> names;    // C class names for messages, or empty
};

// Throws Error for what Predictions may not hold.
void check_predictions(const Predictions& predictions);

// "'MI'" where names are known, "4" (the column) otherwise.
std::string class_label(const Predictions& predictions, std::int64_t column);

// Records of one class, counted by label and decision.
struct ConfusionMatrix {
  std::int64_t true_negatives = 0;
  std::int64_t false_positives = 0;
  std::int64_t false_negatives = 0;
  std::int64_t true_positives = 0;
};

// One row of the results table. A quotient with denominator 0 is 0; AUC and average precision that do not exist are
// NaN.
struct BasicMetrics {
  double precision = 0.0;
  double recall = 0.0;
  double f1 = 0.0;
  double auc = 0.0;
  double average_precision = 0.0;
};

struct ClassMetrics : BasicMetrics {
  ConfusionMatrix confusion;
  std::int64_t support = 0;    // positives
  bool both_outcomes = false;  // positives and negatives are present: the class counts in the macro mean
};

struct Metrics {
  std::vector<ClassMetrics> classes;  // C
  BasicMetrics macro;                 // unweighted means over the classes with both outcomes; NaN without any
  BasicMetrics micro;                 // all N x C decisions as one class
  BasicMetrics weighted;  // means weighted by support; AUC and average precision over the classes with both outcomes
  BasicMetrics
      samples;  // per record over its C decisions, then the mean over records; no AUC, no average precision (NaN)
  std::int64_t records = 0;
  std::int64_t macro_classes = 0;  // over how many classes the macro means go
  std::int64_t support = 0;        // positives of all classes together
};

// A record is predicted positive for a class when score > threshold; `thresholds` holds C numbers.
Metrics compute_metrics(const Predictions& predictions, std::span<const float> thresholds);

// Which decisions go with which label: row i counts the records labeled i by the classes decided positive for them,
// (C, C + 1); the last column those without any. A record with several labels or decisions counts several times.
std::vector<std::vector<std::int64_t>> co_confusion(const Predictions& predictions, std::span<const float> thresholds);

// The AUC of each class as in compute_metrics(); NaN for a class without both outcomes.
std::vector<double> class_aucs(const Predictions& predictions);

struct MacroAuc {
  double value = 0.0;        // NaN when no class has both outcomes
  std::int64_t classes = 0;  // over how many classes
};

// The AUC of compute_metrics().macro alone, as training follows it after each epoch.
MacroAuc macro_auc(const Predictions& predictions);

}  // namespace cardiograd::evaluation
