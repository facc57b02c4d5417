// Everything that `evaluate` reports about one model on one set of records: as values, as text (the paper's Table 2 for
// this model), and as JSON.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "evaluation/bootstrap.h"
#include "evaluation/metrics.h"

namespace cardiograd::evaluation {

struct Evaluation {
  std::vector<std::string> class_names;  // C
  std::vector<float> thresholds;         // C
  Metrics metrics;
  BootstrapAuc auc;  // intervals; their values are the AUCs of `metrics`
};

// `scores` (probabilities) and `labels` (0 or 1) are (N, C) row-major with C = class_names.size(); a record is
// predicted positive when score > threshold. Throws what compute_metrics() and bootstrap_auc() throw, and Error for an
// empty or repeated class name.
Evaluation evaluate(std::span<const float> scores, std::span<const std::uint8_t> labels,
                    std::span<const std::string> class_names, std::span<const float> thresholds,
                    const BootstrapSettings& bootstrap = {});

// The table (precision, recall, F1, AUC with its interval, average precision, support and threshold of each class;
// macro, micro, weighted and samples rows), what its means go over, and the confusion matrices. Ends with a newline.
std::string format_table(const Evaluation& evaluation);

// {"records", "support", "class_order": [names], "classes": {name: {"precision", "recall", "f1", "auc", "auc_low",
// "auc_high", "auc_draws", "average_precision", "support", "threshold", "confusion": {"true_negatives", ...}}},
// "macro": {"precision", "recall", "f1", "auc", "auc_low", "auc_high", "auc_draws", "average_precision", "classes"},
// "micro", "weighted": {"precision", "recall", "f1", "auc", "average_precision"}, "samples": {"precision", "recall",
// "f1"}, "bootstrap": {"draws", "seed", "level", "incomplete_draws"}}. What does not exist (NaN) is null.
nlohmann::json to_json(const Evaluation& evaluation);

}  // namespace cardiograd::evaluation
