// Platt scaling (Platt, Advances in Large Margin Classifiers, 1999): a class's logit z becomes slope * z + offset, so
// that its probability means what it says.
#pragma once

#include <cstdint>
#include <vector>

namespace cardiograd::evaluation {

struct PlattScaling {
  double slope = 1;  // more than 0: the order of the records stays
  double offset = 0;
};

// The logits of one class in each record, `windows` of them side by side, and whether the class is there.
struct PlattData {
  std::vector<double> logits = {};  // (records, windows)
  std::vector<std::uint8_t> labels = {};
  std::int64_t windows = 1;
  bool largest = false;  // a record's probability is the largest of its windows; otherwise their mean
};

// The scaling with the highest likelihood. Labels count as (P + 1) / (P + 2) and 1 / (N + 2) instead of 1 and 0, as in
// the source, section 2.2: P and N being the positives and negatives. So a class that the logits separate gets a finite
// slope. Throws Error for sizes that contradict each other, and for a class without positives or without negatives.
PlattScaling fit_platt(const PlattData& data);

// The probability of each record under a scaling.
std::vector<double> platt_probabilities(const PlattData& data, const PlattScaling& scaling);

}  // namespace cardiograd::evaluation
