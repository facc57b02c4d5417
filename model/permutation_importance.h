// How much does the model rely on each hand-crafted feature? A feature is shuffled among the records, which breaks
// its link to the diagnosis and keeps its distribution; the drop of the macro AUC is its importance.
// Source: Breiman, "Random Forests", Machine Learning 45:5 (2001), section 10.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "model/data_loader.h"
#include "model/model.h"
#include "model/scaling.h"

namespace cardiograd::model {

struct PermutationSettings {
  std::int64_t repeats = 20;  // shuffles of each feature
  std::uint64_t seed = 0;
};

// The name of the shuffle of all features at once, which shows what they are worth together.
inline constexpr const char* kAllFeatures = "all features together";

struct FeatureImportance {
  std::string name;
  double drop = 0;  // mean over the shuffles of (macro AUC as it is - macro AUC shuffled)
  double sd = 0;    // of the drops (of n - 1; 0 for one shuffle): chance of the shuffle, not of the records
};

struct PermutationImportance {
  double macro_auc = 0;  // without shuffling; NaN when no class has both outcomes: then there are no features
  std::vector<FeatureImportance> features;
  PermutationSettings settings;
};

// Features (N, width) row-major to probabilities (N, classes), for the same records each time.
using FeatureScorer = std::function<std::vector<float>(const std::vector<float>& features)>;

// The columns of one named feature move together.
struct FeatureColumns {
  std::string name;
  std::vector<std::int64_t> columns;
};

// Shuffle r of feature f is a function of (seed, f, r) alone. Throws Error when a size does not fit, for a column that
// is not there and for less than one repeat.
PermutationImportance permutation_importance(const std::vector<float>& features, std::int64_t width,
                                             const std::vector<FeatureColumns>& groups, const FeatureScorer& scorer,
                                             std::span<const std::uint8_t> labels, std::int64_t classes,
                                             const PermutationSettings& settings = {});

// The same for a trained model on the records `rows`: each feature, and last kAllFeatures where there are several. The
// signal branch runs once per record.
PermutationImportance permutation_importance(Model& net, const DataLoader& loader, const FeatureScaling& scaling,
                                             const std::vector<std::int64_t>& rows, std::int64_t batch_size,
                                             std::span<const std::uint8_t> labels,
                                             const PermutationSettings& settings = {});

}  // namespace cardiograd::model
