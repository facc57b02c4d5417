#include "evaluation/mistakes.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "base/error.h"

namespace cardiograd::evaluation {

std::vector<Mistake> worst_mistakes(const Predictions& predictions, std::span<const float> thresholds,
                                    std::int64_t count) {
  check_predictions(predictions);
  if (thresholds.size() != static_cast<std::size_t>(predictions.classes))
    throw Error(
        fmt::format("{} thresholds, expected one for each of {} classes", thresholds.size(), predictions.classes));
  std::vector<Mistake> mistakes;
  std::size_t at = 0;
  for (std::int64_t record = 0; record < predictions.records; ++record) {
    Mistake worst;
    for (std::int64_t column = 0; column < predictions.classes; ++column, ++at) {
      const float score = predictions.scores[at];
      const bool labeled = predictions.labels[at] != 0;
      if ((score > thresholds[static_cast<std::size_t>(column)]) == labeled) continue;
      const double error = std::abs(static_cast<double>(score) - (labeled ? 1.0 : 0.0));
      if (error > worst.error) worst = {record, column, score, labeled, error};
    }
    if (worst.error > 0) mistakes.push_back(worst);
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.error > b.error; });
  if (static_cast<std::int64_t>(mistakes.size()) > count)
    mistakes.resize(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
  return mistakes;
}

}  // namespace cardiograd::evaluation
