// How much more a positive counts in the loss than a negative, from how rare it is.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace cardiograd::model {

// The paper's equations 1 and 2: clip(((N - P) / (P + 1e-8))^0.4, 0.8, 3.0) with N records, P of them positive. (Its
// text says "inverse square root", its formula says 0.4; the formula is taken.)
struct PosWeightSettings {
  double exponent = 0.4;
  double lowest = 0.8;
  double highest = 3.0;
};

// Throws Error unless 0 <= positives <= records and 0 < lowest <= highest.
double pos_weight(std::int64_t positives, std::int64_t records, const PosWeightSettings& settings = {});

// One weight for each of the C = class_names.size() classes. `labels` is (N, C) row-major, 0 or 1, training records
// only. Throws Error when the size is no multiple of C or zero, when a label is neither 0 nor 1, and when a class has
// no positives (naming all such classes): nothing can be learnt about it.
std::vector<float> pos_weight(std::span<const std::uint8_t> labels, std::span<const std::string> class_names,
                              const PosWeightSettings& settings = {});

}  // namespace cardiograd::model
